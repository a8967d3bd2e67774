"""SOCKS version 5: the client's side up to the proxy's answer to a request (RFC 1928, RFC 1929).

Theory of operation. The client names the ways in which it can say who it is; the proxy picks one,
or none (``ff``). With a user name and a password it says so in a message of its own. Then it asks
for a connection, and the proxy answers with a code and an address.

Nothing in these few octets is bound to the question: some proxies answer ``05 ff`` to anything at
all. Only an answer to a request, which has to follow its grammar, shows more than that.
"""

import ipaddress
import struct
from dataclasses import dataclass
from typing import Final

from probe.core.failure import MalformedReplyError

PROTOCOL: Final = "socks5"
NO_AUTHENTICATION: Final = 0
USER_AND_PASSWORD: Final = 2
NONE_ACCEPTABLE: Final = 0xFF
METHODS: Final = {0: "none", 1: "gssapi", 2: "password", 0xFF: "no acceptable one"}
# RFC 1928 section 6. Proxies differ in which one they give for the same cause.
REPLIES: Final = {
    0: "succeeded",
    1: "general failure",
    2: "not allowed by the rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}
_LONGEST: Final = 255


def greeting(*, password: bool) -> bytes:
    """The ways that the client knows; a password only where there is one."""
    methods = (NO_AUTHENTICATION, USER_AND_PASSWORD) if password else (NO_AUTHENTICATION,)
    return bytes((5, len(methods), *methods))


def read_method(data: bytes) -> int:
    """The way that the proxy picked, of two octets."""
    if len(data) != 2 or data[0] != 5:
        raise MalformedReplyError(PROTOCOL, "no choice of a method")
    return data[1]


def login(username: str, password: str) -> bytes:
    """Who is asking. ValueError for what does not fit into an octet's length."""
    user, word = username.encode(), password.encode()
    if not 0 < len(user) <= _LONGEST or not 0 < len(word) <= _LONGEST:
        raise ValueError("a user name and a password have 1 to 255 bytes each")
    return bytes((1, len(user))) + user + bytes((len(word),)) + word


def read_login(data: bytes) -> bool:
    """Whether the proxy let the client in, of two octets. Some say version 5 here."""
    if len(data) != 2 or data[0] not in {1, 5}:
        raise MalformedReplyError(PROTOCOL, "no answer to a login")
    return data[1] == 0


def connect(host: str, port: int) -> bytes:
    """Ask for a connection to a name, which the proxy looks up, or to an address."""
    return bytes((5, 1, 0)) + place(host, port)


def place(host: str, port: int) -> bytes:
    """A host and a port as this protocol writes them, and others after its example."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        if not 0 < len(name) <= _LONGEST:
            raise ValueError("a name has 1 to 255 characters") from None
        where = bytes((3, len(name))) + name
    else:
        where = bytes((1 if ip.version == 4 else 4,)) + ip.packed
    return where + struct.pack(">H", port)


@dataclass(frozen=True, slots=True)
class Reply:
    """The head of an answer to a request; ``rest`` octets of address and port are to follow."""

    code: int
    rest: int

    @property
    def text(self) -> str:
        """The code in words."""
        return REPLIES.get(self.code, f"code {self.code}")


def read_reply(data: bytes) -> Reply:
    """The head of the answer, of five octets: the fifth may be the length of a name."""
    if len(data) != 5 or data[0] != 5 or data[2] != 0:
        raise MalformedReplyError(PROTOCOL, "no answer to a request")
    lengths = {1: 4 - 1, 4: 16 - 1, 3: data[4]}
    if data[3] not in lengths:
        raise MalformedReplyError(PROTOCOL, f"an address of type {data[3]}")
    return Reply(data[1], lengths[data[3]] + 2)
