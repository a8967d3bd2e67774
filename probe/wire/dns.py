"""DNS messages (RFC 1035), as a resolver's client writes and reads them.

dnspython does the parsing; this module decides what an answer amounts to. A response code, an
answer without the records that were asked for, and bytes that are no answer are failures with
names of their own (``core.failure``), and nothing is retried or cached.

An EDNS option record (RFC 6891) is sent, because genuine resolvers answer with one and many
forged answers lack it; DNSSEC, client subnet and NSID are not asked for.
"""

import base64
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from probe.core import failure
from probe.core.failure import NamedFailure
from probe.core.model import JSON

UDP_PAYLOAD: Final = 1232  # bytes; dnsflagday.net/2020: the largest that is hardly ever fragmented
MAX_RECORDS: Final = 64  # of an answer, kept in a step's detail; the raw message has them all
MAX_DATA: Final = 512  # characters of one record's data in a step's detail

_RCODE_FAILURE: Final = {
    dns.rcode.NXDOMAIN: failure.NXDOMAIN,
    dns.rcode.SERVFAIL: failure.SERVFAIL,
    dns.rcode.REFUSED: failure.DNS_REFUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of an answer section; ``data`` in presentation format, ``ttl`` in seconds."""

    type: str
    data: str
    ttl: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One DNS message that answers a query."""

    raw: bytes
    id: int
    rcode: str
    records: tuple[Record, ...]
    authoritative: bool
    truncated: bool
    edns: bool
    failure: str | None

    def addresses(self) -> tuple[str, ...]:
        """The IP addresses in it, each once."""
        return tuple(dict.fromkeys(r.data for r in self.records if r.type in {"A", "AAAA"}))

    def detail(self) -> dict[str, JSON]:
        """As a step holds it: what was read, and the message itself in base64."""
        return {
            "rcode": self.rcode,
            "answers": [
                {"type": r.type, "data": r.data[:MAX_DATA], "ttl": r.ttl}
                for r in self.records[:MAX_RECORDS]
            ],
            "authoritative": self.authoritative,
            "truncated": self.truncated,
            "edns": self.edns,
            "raw": base64.b64encode(self.raw).decode(),
        }


@dataclass(frozen=True, slots=True)
class Query:
    """One question: its message id, its name and its type."""

    id: int
    name: dns.name.Name
    type: dns.rdatatype.RdataType

    @classmethod
    def make(cls, name: str, type_: str, id_: int) -> "Query":
        """Ask for records of a name. ValueError for an impossible name or type."""
        try:
            return cls(id_, dns.name.from_text(name), dns.rdatatype.from_text(type_))
        except (dns.exception.DNSException, UnicodeError) as exc:
            raise ValueError(f"'{name}' with type '{type_}' cannot be asked for: {exc}") from None

    def to_wire(self) -> bytes:
        """The message to send (over TCP the caller puts its length before it)."""
        message = dns.message.make_query(
            self.name, self.type, use_edns=0, payload=UDP_PAYLOAD, id=self.id
        )
        return message.to_wire()

    def read(self, raw: bytes) -> Answer:
        """Read a message that came for this query.

        Raises NamedFailure ``dns_server_misbehaving`` for bytes that are no response to this
        question. A wrong message id is not judged here: ``Answer.id`` tells it.
        """
        try:
            message = dns.message.from_wire(raw, ignore_trailing=True)
        except (dns.exception.DNSException, ValueError, IndexError, AssertionError) as exc:
            raise NamedFailure(failure.DNS_MISBEHAVING, f"not a DNS message: {exc}") from None
        if not message.flags & dns.flags.QR:
            raise NamedFailure(failure.DNS_MISBEHAVING, "a query came instead of an answer")
        if not self._answers(message):
            raise NamedFailure(failure.DNS_MISBEHAVING, "the answer is to another question")
        records = tuple(
            Record(type=dns.rdatatype.to_text(rrset.rdtype), data=rdata.to_text(), ttl=rrset.ttl)
            for rrset in message.answer
            for rdata in rrset
        )
        truncated = bool(message.flags & dns.flags.TC)
        return Answer(
            raw=raw,
            id=message.id,
            rcode=dns.rcode.to_text(message.rcode()),
            records=records,
            authoritative=bool(message.flags & dns.flags.AA),
            truncated=truncated,
            edns=message.edns >= 0,
            failure=self._failure(message, records, truncated=truncated),
        )

    def _answers(self, message: dns.message.Message) -> bool:
        if not message.question:  # some servers leave it out when they refuse
            return message.rcode() != dns.rcode.NOERROR
        asked = message.question[0]
        return asked.name == self.name and asked.rdtype == self.type

    def _failure(
        self, message: dns.message.Message, records: tuple[Record, ...], *, truncated: bool
    ) -> str | None:
        rcode = message.rcode()
        if rcode != dns.rcode.NOERROR:
            return _RCODE_FAILURE.get(rcode, failure.DNS_MISBEHAVING)
        if truncated:
            return failure.DNS_MISBEHAVING
        wanted = dns.rdatatype.to_text(self.type)
        found = records if wanted == "ANY" else [r for r in records if r.type == wanted]
        return None if found else failure.NO_ANSWER
