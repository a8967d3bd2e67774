"""Trojan: a request that hides behind a web server's TLS (trojan-gfw.github.io/trojan/protocol).

Theory of operation. Inside TLS the client's first bytes are the SHA-224 of the password in
hexadecimal, an end of line, a command, the place to connect to as SOCKS5 writes it, an end of line,
and at once the data for that place. A server that knows the password connects, and from then on
passes bytes on as they are. Anything else it hands to a web server behind it, which answers as web
servers do: usually that this is a bad request.

So neither side ever says that a password was right. Whatever answers may be the place that was
asked for or the web server; they are told apart only by something that no other than the place can
say, such as a TLS handshake of its own inside the tunnel.
"""

import hashlib
from typing import Final

from probe.wire.socks5 import place

PROTOCOL: Final = "trojan"
HASH: Final = 56  # characters of the password's hash
_CONNECT: Final = b"\1"
_END: Final = b"\r\n"


def request(password: bytes, host: str, port: int) -> bytes:
    """What the client begins with; the data for the place follows without a pause."""
    known = hashlib.sha224(password).hexdigest().encode()
    return known + _END + _CONNECT + place(host, port) + _END
