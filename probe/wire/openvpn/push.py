"""What a server says after the key exchange: messages of text, and the options that it pushes.

**Theory.** Inside the control channel's TLS each message is a text with a NUL at its end. The
client sends ``PUSH_REQUEST`` until the server answers it by ``PUSH_REPLY,option,option…``, in
several messages if it is long (``push-continuation``: 2 says that more follows, 1 that this is the
last). A login that fails is answered by ``AUTH_FAILED``, a reason behind a comma or none.

Sources: the chapter "OpenVPN's network protocol" of OpenVPN's developer documentation;
src/openvpn/push.c and doc/management-notes.txt of OpenVPN 2.6; openvpn(8) for the options.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from probe.core.failure import MalformedReplyError
from probe.wire.openvpn.packets import NAME

REQUEST: Final = b"PUSH_REQUEST\0"
LONGEST: Final = 64 * 1024  # bytes of a message, or of all parts of a reply
_REPLY: Final = "PUSH_REPLY"
_MORE: Final = "push-continuation 2"
_MOST_PEERS: Final = 0xFFFFFF  # a number of three bytes
_LONGEST_PING: Final = 24 * 3600  # seconds

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Messages:
    """Cuts what comes out of TLS into messages."""

    def __init__(self) -> None:
        """Nothing came yet."""
        self._rest = b""

    def take(self, data: bytes) -> list[str]:
        """The messages that are complete now, without their NUL; empty ones are left out.
        MalformedReplyError for one without an end."""
        *whole, self._rest = (self._rest + data).split(b"\0")
        if len(self._rest) > LONGEST:
            raise MalformedReplyError(NAME, f"a message of more than {LONGEST} bytes")
        return [message.decode("utf-8", "replace") for message in whole if message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What a server wants of its client, as far as it matters here.

    ``ends`` are our address inside the tunnel and the server's, if it is named, for each version
    of IP; ``ping`` and ``ping_restart`` are seconds; ``compression`` is ``comp-lzo`` or
    ``compress`` with its words.
    """

    cipher: str | None = None
    peer: int | None = None
    ends: tuple[tuple[IPAddress, IPAddress | None], ...] = ()
    ping: int | None = None
    ping_restart: int | None = None
    compression: tuple[str, ...] = ()

    def way_to(self, peer: IPAddress | None) -> tuple[IPAddress, IPAddress] | None:
        """Our address and that of ``peer``, by default the server's; None where one is missing."""
        for ours, theirs in self.ends:
            to = theirs if peer is None else peer
            if to is not None and to.version == ours.version:
                return ours, to
        return None


class Reply:
    """The parts of a reply, put together."""

    def __init__(self) -> None:
        """No part came yet."""
        self._options: list[str] = []
        self._size = 0

    def take(self, message: str) -> Pushed | None:
        """What is pushed, once the last part is there; None for a message that is no part.
        MalformedReplyError if it is too long, or holds what cannot be."""
        word, *options = message.split(",")
        if word != _REPLY:
            return None
        self._size += len(message)
        if self._size > LONGEST:
            raise MalformedReplyError(NAME, f"pushes more than {LONGEST} characters")
        self._options += options
        return None if _MORE in options else _read(self._options)


def _read(options: Iterable[str]) -> Pushed:
    found: dict[str, list[str]] = {}
    routes: list[str] = []
    for option in options:
        name, *words = option.split() or [""]
        found.setdefault(name, words)
        if name == "route" and words and words[1:2] in ([], ["255.255.255.255"]):
            routes.append(words[0])
    compression = next((name for name in ("comp-lzo", "compress") if name in found), None)
    return Pushed(
        cipher=next(iter(found.get("cipher", [])), None),
        peer=_number(found, "peer-id", _MOST_PEERS),
        ends=tuple(_ends(found, routes)),
        ping=_number(found, "ping", _LONGEST_PING),
        ping_restart=_number(found, "ping-restart", _LONGEST_PING),
        compression=(compression, *found[compression]) if compression else (),
    )


def _ends(
    found: dict[str, list[str]], routes: list[str]
) -> Iterator[tuple[IPAddress, IPAddress | None]]:
    words = found.get("ifconfig", [])
    if ours := _address(words[:1]):
        # In the topology net30 the far end of the link answers nobody: the server has an address of
        # its own, to which a route for it alone is pushed.
        known = [*found.get("route-gateway", [])[:1], *routes, *words[1:2]]
        yield ours, next((theirs for word in known if (theirs := _address([word]))), None)
    words = found.get("ifconfig-ipv6", [])
    if ours := _address([word.partition("/")[0] for word in words[:1]]):
        yield ours, _address(words[1:2])


def _address(words: list[str]) -> IPAddress | None:
    """An address, if that is what the first word is: a name, a mask or nonsense is none."""
    try:
        address = ipaddress.ip_address(words[0]) if words else None
    except ValueError:
        return None
    if address is None or address.is_multicast or address.is_unspecified:
        return None
    return None if str(address).startswith("255.") else address


def _number(found: dict[str, list[str]], name: str, most: int) -> int | None:
    if name not in found:
        return None
    word = "".join(found[name][:1])
    if not word.isascii() or not word.isdigit() or int(word[:12]) > most:
        raise MalformedReplyError(NAME, f"pushes a {name} that is none")
    return int(word)
