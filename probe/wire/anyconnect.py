"""AnyConnect's first question and its answer (draft-mavrogiannopoulos-openconnect section 2.1).

Theory of operation. Inside TLS a client posts an XML document that says only that a VPN client
wants to begin. The gateway answers, before it knows who asks, with another one: the form that a
user has to fill in, or what else it wants. Both have the root ``config-auth``; a gateway of the
older kind answers with ``auth`` alone. No other server has a reason to write such a document: it
is what tells a gateway from a web server.

The document is bound to its question by the TLS connection; nothing in it repeats anything.
"""

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from probe.core.failure import MalformedReplyError

PROTOCOL: Final = "anyconnect"
# Some gateways answer only to names that they know; this is how OpenConnect calls itself.
AGENT: Final = "AnyConnect-compatible OpenConnect VPN Agent v9.12"
HEADERS: Final = (
    ("Accept", "*/*"),
    ("X-Transcend-Version", "1"),
    ("X-Aggregate-Auth", "1"),
    ("X-Support-HTTP-Auth", "true"),
    ("Content-Type", "application/xml; charset=utf-8"),
)
LARGEST: Final = 64 * 1024  # bytes of an answer
_ROOTS: Final = {"config-auth", "auth"}
_ELEMENTS: Final = 1000  # in one document, at most
_DEPTH: Final = 32
_LONGEST: Final = 100  # characters of anything that is kept


def question(url: str) -> bytes:
    """The document that begins a login at this URL. It names no user and no machine."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<config-auth client="vpn" type="init"><version who="vpn">v9.12</version>'
        f"<device-id>linux-64</device-id><group-access>{escape(url)}</group-access>"
        "</config-auth>\n"
    ).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway said: ``kind`` is what it wants (``auth-request``), ``version`` what it
    calls its own, ``form`` where the form has to go, ``certificate`` whether it wants one."""

    kind: str
    version: str = ""
    form: str = ""
    certificate: bool = False


@dataclass(slots=True)
class _Document:
    """Keeps the little that is wanted while expat walks through."""

    root: str = ""
    kind: str = ""
    form: str = ""
    certificate: bool = False
    count: int = 0
    path: list[str] = field(default_factory=list)
    version: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > _ELEMENTS or len(self.path) >= _DEPTH:
            raise MalformedReplyError(PROTOCOL, "is larger than any answer")
        if not self.path:
            if name not in _ROOTS:
                raise MalformedReplyError(PROTOCOL, f"the document is a '{name[:_LONGEST]}'")
            self.root, self.kind = name, attributes.get("type", "") or name
        self.path.append(name)
        if name == "form" and not self.form:
            self.form = attributes.get("action", "")
        self.certificate = self.certificate or name == "client-cert-request"

    def end(self, _name: str) -> None:
        self.path.pop()

    def text(self, data: str) -> None:
        if self.path == [self.root, "version"]:
            self.version.append(data[:_LONGEST])

    def declared(self, *_: object) -> None:
        # Entities make a small document a huge one; no gateway needs any.
        raise MalformedReplyError(PROTOCOL, "declares a document type")


def read_answer(data: bytes) -> Answer:
    """Read a response's body. MalformedReplyError if no gateway has written it."""
    if len(data) > LARGEST:
        raise MalformedReplyError(PROTOCOL, f"is longer than {LARGEST} bytes")
    document = _Document()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = document.start
    parser.EndElementHandler = document.end
    parser.CharacterDataHandler = document.text
    parser.StartDoctypeDeclHandler = document.declared
    try:
        parser.Parse(data, True)
    except expat.ExpatError as exc:
        raise MalformedReplyError(PROTOCOL, f"no XML: {expat.ErrorString(exc.code)}") from None
    return Answer(
        document.kind[:_LONGEST],
        "".join(document.version)[:_LONGEST],
        document.form[:_LONGEST],
        document.certificate,
    )
