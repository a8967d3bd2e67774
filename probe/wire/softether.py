"""SoftEther's own protocol: its first question and the answer (by its source: Pack.c, Protocol.c).

Theory of operation. Inside TLS a client posts ten letters to a path of SoftEther's own, under the
type of a picture. The server answers, before it knows who asks, with a *pack*: named elements, each
with a type and values, in which it greets (``hello``) and says its version, its build, and the
random octets that a login's password would be hashed with; or with an ``error``. It fills the pack
up with random octets, so that its length is another one each time.

The answer is bound to its question by the TLS connection; nothing in it repeats anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from probe.core.failure import MalformedReplyError

PROTOCOL: Final = "softether"
PATH: Final = "/vpnsvc/connect.cgi"
QUESTION: Final = b"VPNCONNECT"
HEADERS: Final = (("Content-Type", "image/jpeg"),)
LARGEST: Final = 64 * 1024  # bytes of an answer
_INT, _INT64 = 0, 4  # types of elements; those between are octets with their length
_ELEMENTS: Final = 64  # in one pack, at most
_LONGEST_NAME: Final = 63
_LONGEST: Final = 100  # characters of a text that are kept
_RANDOM: Final = 20  # octets

Value = int | bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said of itself; ``error`` is its code where it refuses."""

    hello: str = ""
    version: int = 0
    build: int = 0
    error: int = 0


def read_answer(data: bytes) -> Answer:
    """Read a response's body. MalformedReplyError if no server of SoftEther's has written it."""
    found = _pack(data)
    error, hello = _number(found, "error"), found.get("hello", b"")
    if error:
        return Answer(error=error)
    if not isinstance(hello, bytes) or not hello:
        raise MalformedReplyError(PROTOCOL, "a pack that greets nobody")
    random = found.get("random")
    if not isinstance(random, bytes) or len(random) != _RANDOM:
        raise MalformedReplyError(PROTOCOL, "a greeting without its random octets")
    text = hello[:_LONGEST].decode("utf-8", "replace")
    return Answer(text, _number(found, "version"), _number(found, "build"))


def _number(found: dict[str, Value], name: str) -> int:
    value = found.get(name, 0)
    if not isinstance(value, int):
        raise MalformedReplyError(PROTOCOL, f"{name} is no number")
    return value


def _pack(data: bytes) -> dict[str, Value]:
    """The first value of each element, by its name in small letters."""
    if len(data) > LARGEST:
        raise MalformedReplyError(PROTOCOL, f"is longer than {LARGEST} bytes")
    cursor = _Cursor(data)
    count = cursor.number()
    if count > _ELEMENTS:
        raise MalformedReplyError(PROTOCOL, f"says that it has {count} elements")
    found: dict[str, Value] = {}
    for _ in range(count):
        # Of a name, and of nothing else, the length counts a zero that is not sent.
        length = cursor.number() - 1
        if not 0 <= length <= _LONGEST_NAME:
            raise MalformedReplyError(PROTOCOL, f"a name of {length} octets")
        name = cursor.octets(length).decode("ascii", "replace").lower()
        values = list(_values(cursor))
        if values:
            found.setdefault(name, values[0])
    if cursor.left:
        raise MalformedReplyError(PROTOCOL, "more follows than was said")
    return found


def _values(cursor: "_Cursor") -> Iterator[Value]:
    kind, count = cursor.number(), cursor.number()
    if kind > _INT64:
        raise MalformedReplyError(PROTOCOL, f"an element of type {kind}")
    if count > cursor.left // 4:  # each has four octets or more
        raise MalformedReplyError(PROTOCOL, f"says that an element has {count} values")
    for _ in range(count):
        if kind == _INT:
            yield cursor.number()
        elif kind == _INT64:
            yield int.from_bytes(cursor.octets(8))
        else:
            yield cursor.octets(cursor.number())


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def octets(self, count: int) -> bytes:
        if count > self.left:
            raise MalformedReplyError(PROTOCOL, "is cut short")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self) -> int:
        return int.from_bytes(self.octets(4))
