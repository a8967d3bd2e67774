"""The server name that a TLS client sends in clear: what a filter on the path reads.

The first record holds a ClientHello (RFC 8446 section 4.1.2), and that the extension server_name
(RFC 6066 section 3): record header, handshake header, version, random, then lists that each begin
with their length.
"""

from typing import Final

_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _HOST_NAME = 22, 1, 0, 0
_RECORD: Final = 5  # bytes of a record's header
_HELLO: Final = 4  # bytes of a handshake message's header
_FIXED: Final = 2 + 32  # bytes of version and random


def server_name(data: bytes) -> str | None:
    """The name in a connection's first bytes; None where there is none, or not all of it yet."""
    if len(data) <= _RECORD or data[0] != _HANDSHAKE or data[_RECORD] != _CLIENT_HELLO:
        return None
    rest = _Bytes(data[_RECORD + _HELLO + _FIXED :])
    try:
        rest.block(1)  # session id
        rest.block(2)  # cipher suites
        rest.block(1)  # compression methods
        extensions = _Bytes(rest.block(2))
        while extensions.left:
            kind, body = extensions.number(2), extensions.block(2)
            if kind == _SERVER_NAME:
                return _host_name(body)
    except EOFError:
        return None
    return None


def _host_name(body: bytes) -> str | None:
    names = _Bytes(_Bytes(body).block(2))
    while names.left:
        kind, name = names.number(1), names.block(2)
        if kind == _HOST_NAME:
            return name.decode("ascii", "replace").lower()
    return None


class _Bytes:
    """Read from the front; EOFError where more is announced than there is."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def number(self, size: int) -> int:
        return int.from_bytes(self._take(size))

    def block(self, size: int) -> bytes:
        return self._take(self.number(size))

    def _take(self, size: int) -> bytes:
        if len(self.left) < size:
            raise EOFError
        taken, self.left = self.left[:size], self.left[size:]
        return taken
