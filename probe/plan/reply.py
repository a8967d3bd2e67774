"""What a control answers, on the wire: a session, or what it measured."""

import hashlib
import ipaddress
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from probe.core.address import Endpoint, is_ip, parse_endpoint
from probe.core.model import UNKNOWN_COUNTRY, Measurement, Vantage
from probe.record.codec import encode
from probe.record.foreign import decode_foreign

MAX_TARGETS: Final = 16  # questions in one request, and their measurements in the answer
MAX_REPLY: Final = 4 * 1024 * 1024  # bytes of an answer
_MAX_ANCHORS: Final = 32
_MAX_OBJECTS: Final = 256
_MAX_DECOYS: Final = 16
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a control opened for its asker, for ``expires`` seconds.

    ``decoys`` are where any server name is answered with the certificate whose DER has the SHA-256
    ``leaf``, and with ``page`` over HTTP; ``/bytes/N?token=bytes_token`` gives N bytes there, at
    most ``bytes_max``. ``echo`` returns what it gets, over TCP and UDP, to ``client`` only.
    """

    decoys: tuple[Endpoint, ...] = ()
    leaf: str = ""
    page: str = ""
    bytes_token: str = ""
    bytes_max: int = 0
    echo: Endpoint | None = None
    client: str
    expires: float

    def as_json(self) -> bytes:
        """The body of the answer."""
        value = {name: getattr(self, name) for name in self.__dataclass_fields__}
        value["decoys"] = [str(decoy) for decoy in self.decoys]
        value["echo"] = str(self.echo) if self.echo else None
        return msgspec.json.encode(value)

    @classmethod
    def from_json(cls, body: bytes) -> "Session":
        """Read the body of an answer."""
        wire = decoded(body, _SessionWire)
        if len(wire.decoys) > _MAX_DECOYS:
            raise ValueError(f"more than {_MAX_DECOYS} decoys")
        if wire.decoys and not _SHA256.fullmatch(wire.leaf):
            raise ValueError("leaf: no SHA-256 in small hexadecimal digits")
        if len(wire.bytes_token) > 200 or not re.fullmatch(r"[\w.~-]*", wire.bytes_token, re.ASCII):
            raise ValueError("bytes_token: may not stand in a URL")
        if not 0 <= wire.bytes_max <= MAX_REPLY:
            raise ValueError("bytes_max: out of range")
        if not 0 <= wire.expires <= 3600:
            raise ValueError("expires: out of range")
        return cls(
            decoys=tuple(_endpoint(text) for text in wire.decoys),
            leaf=wire.leaf,
            page=wire.page,
            bytes_token=wire.bytes_token,
            bytes_max=wire.bytes_max,
            echo=_endpoint(wire.echo) if wire.echo else None,
            client=_ip(wire.client),
            expires=wire.expires,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a control measured: its own anchors, and one measurement per question, in order.

    ``control`` is what it says about itself; ``objects`` are the bodies and certificate chains
    that the measurements name, by their SHA-256.
    """

    control: Vantage
    client: str
    anchors: tuple[Measurement, ...] = ()
    measurements: tuple[Measurement, ...]
    objects: dict[str, bytes] = field(default_factory=dict)

    def as_json(self) -> bytes:
        """The body of the answer."""
        value = {
            "control": self.control,
            "client": self.client,
            "anchors": [msgspec.Raw(encode(anchor)) for anchor in self.anchors],
            "measurements": [msgspec.Raw(encode(each)) for each in self.measurements],
            "objects": self.objects,
        }
        return msgspec.json.encode(value)

    @classmethod
    def from_json(cls, body: bytes) -> "Reply":
        """Read the body of an answer. Ids are UUIDs, each once; objects are what they are called.

        The measurements say what the control chose to say: whose they are and what they concern
        is for the asker to set.
        """
        wire = decoded(body, _ReplyWire)
        if len(wire.anchors) > _MAX_ANCHORS or len(wire.measurements) > MAX_TARGETS:
            raise ValueError("more measurements than were asked for")
        control = wire.control
        if not control.id or len(control.id) > 64:
            raise ValueError("control: its id is empty or too long")
        if control.country != UNKNOWN_COUNTRY and not _COUNTRY.fullmatch(control.country):
            raise ValueError("control: its country is no code of two letters")
        if control.asn is not None and not 0 < control.asn < 2**32:
            raise ValueError("control: its asn is out of range")
        anchors = tuple(decode_foreign(bytes(raw)) for raw in wire.anchors)
        measurements = tuple(decode_foreign(bytes(raw)) for raw in wire.measurements)
        if len({each.id for each in (*anchors, *measurements)}) < len(anchors) + len(measurements):
            raise ValueError("an id stands there twice")
        if len(wire.objects) > _MAX_OBJECTS:
            raise ValueError(f"more than {_MAX_OBJECTS} objects")
        for name, data in wire.objects.items():
            if hashlib.sha256(data).hexdigest() != name:
                raise ValueError("an object's content does not match its SHA-256")
        return cls(
            control=control,
            client=_ip(wire.client),
            anchors=anchors,
            measurements=measurements,
            objects=wire.objects,
        )


class _SessionWire(msgspec.Struct):
    client: str
    expires: float
    decoys: list[str] = []
    leaf: str = ""
    page: str = ""
    bytes_token: str = ""
    bytes_max: int = 0
    echo: str | None = None


class _ReplyWire(msgspec.Struct):
    control: Vantage
    client: str
    measurements: list[msgspec.Raw]
    anchors: list[msgspec.Raw] = []
    objects: dict[str, bytes] = {}


def decoded(body: bytes, type_: Any) -> Any:
    """JSON of this type. ValueError, with a short text, for anything else."""
    if len(body) > MAX_REPLY:
        raise ValueError(f"larger than {MAX_REPLY} bytes")
    with told_shortly():
        return msgspec.json.decode(body, type=type_)


@contextmanager
def told_shortly() -> Iterator[None]:
    """Whatever is wrong with what is read inside becomes a ValueError with a short text."""
    try:
        yield
    except (ValueError, RecursionError) as exc:
        raise ValueError(str(exc)[:200]) from None


def _endpoint(text: str) -> Endpoint:
    ip, port = parse_endpoint(text)
    if not 0 < port < 65536:
        raise ValueError(f"'{text[:80]}' has no port")
    return Endpoint(_ip(ip), port)


def _ip(text: str) -> str:
    if not is_ip(text) or "%" in text:
        raise ValueError(f"'{text[:80]}' is no IP address")
    return str(ipaddress.ip_address(text))
