"""Entries of OONI's layers as steps of ours."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from probe.core.address import Endpoint, is_ip, parse_endpoint
from probe.core.masking import mask
from probe.core.model import JSON, Step
from probe.core.scrub import Scrubber
from probe.record.ooni.archival import (
    Answer,
    Answered,
    Binary,
    Connect,
    Event,
    Handshake,
    Query,
    Request,
)
from probe.record.ooni.names import failure_name

LONGEST: Final = 24 * 3600.0  # seconds that one measurement may last
MAX_ANSWERS: Final = 64
MAX_HEADERS: Final = 100
MAX_VALUE: Final = 2048  # characters of a header's value
MAX_CHAIN: Final = 10  # certificates
BODY_KEPT: Final = 32 * 1024  # bytes
_SYSTEM: Final = {"system", "getaddrinfo", "golang_net_resolver", ""}
_SCHEMES: Final = {"udp": "udp", "tcp": "tcp", "dot": "tls"}

Describe = Callable[[bytes], dict[str, JSON]]


@dataclass
class Steps:
    """The steps of one measurement while they are put together.

    ``objects`` collects certificates and page texts, by their SHA-256. Within a transaction no
    step ends before the one in front of it: old versions leave out times, and zero sorts first.
    """

    scrubber: Scrubber
    describe: Describe | None = None
    objects: dict[str, bytes] = field(default_factory=dict)
    _steps: list[Step] = field(default_factory=list)
    _transactions: int = 0

    def done(self) -> tuple[Step, ...]:
        """All steps in the order in which they ended."""
        return tuple(sorted(self._steps, key=lambda step: step.t))

    @property
    def failures(self) -> set[str]:
        """The names of what failed so far."""
        return {step.failure for step in self._steps if step.failure}

    def transaction(self) -> int:
        """The number of a new transaction."""
        self._transactions += 1
        return self._transactions

    def first_whole(self, ops: set[str]) -> int | None:
        """The first transaction in which each of these operations went well, and nothing failed."""
        for number in range(1, self._transactions + 1):
            steps = [step for step in self._steps if step.transaction == number]
            if not any(s.failure for s in steps) and ops <= {s.op for s in steps}:
                return number
        return None

    def address(self, transaction: int) -> str | None:
        """Where a transaction leads."""
        found = (s.address for s in self._steps if s.transaction == transaction and s.address)
        return next(found, None)

    def add(
        self,
        op: str,
        transaction: int,
        event: Event,
        address: str | None = None,
        *,
        failure: str | None = None,
        detail: Mapping[str, JSON] | None = None,
    ) -> None:
        """Append a step with the times of an entry."""
        end = _seconds(event.t)
        start = end if event.t0 is None else _seconds(event.t0)
        before = max((s.t for s in self._steps if s.transaction == transaction), default=0.0)
        end = max(end, before, start)
        self._steps.append(
            Step(
                op=op,
                transaction=transaction,
                address=address,
                t0=start if event.t0 is not None or not before else max(start, before),
                t=end,
                failure=failure_name(failure, self.scrubber),
                detail=dict(detail or {}),
            )
        )

    def resolve(self, query: Query) -> None:
        """One query."""
        engine = query.engine or ""
        system = engine in _SYSTEM
        answers = [found for answer in query.answers or () if (found := _answer(answer))]
        detail: dict[str, JSON] = {
            "resolver": "system" if system else _resolver(engine, query.resolver_address or ""),
            "engine": "getaddrinfo" if system else engine[:20],
            "hostname": query.hostname[:253],
            "query_type": query.query_type[:20],
        }
        if answers or not query.failure:
            detail["answers"] = answers[:MAX_ANSWERS]
        at = None if system else endpoint_text(query.resolver_address)
        self.add("resolve", self.transaction(), query, at, failure=query.failure, detail=detail)

    def connect(self, connect: Connect) -> int:
        """One connection, in a transaction of its own; its number."""
        transaction = self.transaction()
        failure = connect.status.failure
        if not failure and not connect.status.success:
            failure = "unknown_failure: no reason was given"
        at = str(Endpoint(connect.ip, connect.port))
        self.add("connect", transaction, connect, at, failure=failure)
        return transaction

    def handshake(self, transaction: int, handshake: Handshake, host: str) -> None:
        """One handshake on a connection that stands."""
        chain = [self.keep(c.bytes()) for c in (handshake.peer_certificates or ())[:MAX_CHAIN]]
        detail: dict[str, JSON] = {
            "server_name": (handshake.server_name or host)[:253],
            "verify": not handshake.no_tls_verify,
            "tls_version": (handshake.tls_version or None) and (handshake.tls_version or "")[:20],
            "cipher_suite": (handshake.cipher_suite or "")[:80] or None,
            "alpn": (handshake.negotiated_protocol or "")[:20] or None,
            "peer_certificates": chain,
        }
        if chain and self.describe:
            detail["leaf"] = self.describe(self.objects[chain[0]])
        at = self.address(transaction)
        failure = handshake.failure
        self.add("tls_handshake", transaction, handshake, at, failure=failure, detail=detail)

    def exchange(self, transaction: int, request: Request) -> None:
        """Request, response and body; OONI knows one time and one failure for all of them."""
        parts = urlsplit(request.request.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        asked = {
            "method": (request.request.method or "GET")[:20],
            "host": parts.netloc.rpartition("@")[2][:255],
            "path": mask(path)[:MAX_VALUE],
        }
        at, answer = self.address(transaction), request.response or Answered()
        self.add("http_request", transaction, _begin(request), at, detail=asked)
        if not answer.code and request.failure:
            self.add("http_response", transaction, request, at, failure=request.failure)
            return
        head: dict[str, JSON] = {"headers": self._headers(answer)}
        if answer.code:
            head["status"] = answer.code
        self.add("http_response", transaction, request, at, detail=head)
        body = self._body(answer, parts.scheme)
        self.add("transfer", transaction, request, at, failure=request.failure, detail=body)

    def measured(self, transaction: int, size: int) -> None:
        """Say how long a body was that nobody has."""
        for step in self._steps:
            if step.transaction == transaction and step.op == "transfer":
                step.detail["bytes"] = size

    def keep(self, data: bytes) -> str:
        """Keep bytes as an object; their SHA-256."""
        name = hashlib.sha256(data).hexdigest()
        self.objects[name] = data
        return name

    def _headers(self, answer: Answered) -> list[list[str]]:
        pairs = answer.headers_list or list(map(list, (answer.headers or {}).items()))
        found = []
        for pair in pairs[:MAX_HEADERS]:
            if len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], str):
                name, value = pair[0].lower()[:200], self.scrubber.text(pair[1][:MAX_VALUE])
                found.append([name, value])
        return found

    def _body(self, answer: Answered, scheme: str) -> dict[str, JSON]:
        raw = answer.body.bytes() if isinstance(answer.body, Binary) else None
        text = (raw or b"").decode("utf-8", "surrogateescape") if raw is not None else answer.body
        data = (str(text or "")).encode("utf-8", "surrogateescape")
        detail: dict[str, JSON] = {"bytes": len(data), "complete": not answer.body_is_truncated}
        if data and (scheme == "http" or (answer.code or 0) >= 400):
            clean = self.scrubber.text(str(text)[: 2 * BODY_KEPT])
            detail["body"] = self.keep(clean.encode("utf-8", "surrogateescape")[:BODY_KEPT])
        return detail


def endpoint_text(address: str | None) -> str | None:
    """An address and port in our spelling; None for anything else."""
    try:
        endpoint = parse_endpoint(address or "")
    except ValueError:
        return None
    return str(endpoint) if endpoint.port < 65536 else None


def addresses(queries: list[Query]) -> list[str]:
    """The addresses in the answers, each once. Scrubbed ones are none."""
    answers = [answer for query in queries for answer in query.answers or ()]
    found = [ip for a in answers for ip in (a.ipv4, a.ipv6) if ip and is_ip(ip)]
    return list(dict.fromkeys(found))


def _begin(request: Request) -> Event:
    start = request.t0 if request.t0 is not None else request.t
    return Event(t0=request.t0, t=start)


def _seconds(value: float | None) -> float:
    if value is None:
        return 0.0
    if not 0 <= value <= LONGEST:
        raise ValueError("a time that no measurement lasts")
    return round(value, 6)


def _answer(answer: Answer) -> dict[str, Any] | None:
    data = {"A": answer.ipv4, "AAAA": answer.ipv6, "CNAME": answer.hostname}.get(answer.answer_type)
    if not data or (answer.answer_type != "CNAME" and not is_ip(data)):
        return None
    found: dict[str, Any] = {"type": answer.answer_type, "data": data[:253]}
    if answer.ttl is not None and 0 <= answer.ttl < 2**31:
        found["ttl"] = int(answer.ttl)
    return found


def _resolver(engine: str, address: str) -> str:
    if engine in _SCHEMES and address:
        return f"{_SCHEMES[engine]}://{mask(address)}"[:MAX_VALUE]
    return mask(address)[:MAX_VALUE] or engine[:20]
