"""An OpenVPN server on the scripted network, as far as a client without a certificate comes.

It is written from the protocol, and shares with the probe only the bytes of a packet and of a
wrapping, which tests/vpn holds against the real server.
"""

import contextlib
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from probe.core.failure import MalformedReplyError
from probe.net.fake import FakePeer, Serve
from probe.wire.openvpn.keys import KEY, ClientKey
from probe.wire.openvpn.packets import Opcode, Packet, read_packet
from probe.wire.openvpn.wrapping import (
    Plain,
    Stamp,
    TlsAuth,
    TlsCrypt,
    TlsCryptV2,
    Wrapping,
)

STATIC: Final = bytes(range(256))
OTHER: Final = STATIC[::-1]
WRAPPED: Final = bytes(288) + struct.pack("!H", 290)
CLIENT: Final = ClientKey(STATIC, WRAPPED)
SIZE: Final = 1100  # bytes of TLS in a packet of the server's
RESEND_WKC: Final = bytes.fromhex("000100020001")

# What a client wraps by, and its server.
PAIRS: Final[dict[str, tuple[Callable[[], Wrapping], Callable[[], Wrapping]]]] = {
    "none": (Plain, Plain),
    "tls-auth": (lambda: TlsAuth(STATIC, "SHA1", None), lambda: TlsAuth(STATIC, "SHA1", None)),
    "tls-auth-1": (lambda: TlsAuth(STATIC, "SHA256", 1), lambda: TlsAuth(STATIC, "SHA256", 0)),
    "tls-auth-0": (lambda: TlsAuth(STATIC, "SHA512", 0), lambda: TlsAuth(STATIC, "SHA512", 1)),
    "tls-crypt": (lambda: TlsCrypt(STATIC), lambda: TlsCrypt(_turned(STATIC))),
    "tls-crypt-v2": (lambda: TlsCryptV2(CLIENT), lambda: TlsCrypt(_turned(STATIC))),
}


def _turned(key: bytes) -> bytes:
    """The key with its halves exchanged: what one end sends by, the other receives by."""
    return key[KEY // 2 :] + key[: KEY // 2]


def pem(kind: str, data: bytes) -> bytes:
    """A static key as it stands in a file."""
    lines = [data.hex()[i : i + 32] for i in range(0, len(data) * 2, 32)]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----\n"]).encode()


@dataclass
class Server:
    """Its state with one client: feed it packets, send what it gives back."""

    wrapping: Wrapping
    cookie: bool = False
    session: bytes = b"\x5e" * 8
    client: bytes = b""
    heard: bytearray = field(default_factory=bytearray)
    opcodes: list[Opcode] = field(default_factory=list)
    acked: set[int] = field(default_factory=set)
    unwilling: bool = False  # to say anything after the reset
    _next: int = 1
    _early: dict[int, bytes] = field(default_factory=dict)
    _sent: dict[int, Packet] = field(default_factory=dict)
    _number: int = 0
    _replay: int = 0

    def take(self, data: bytes) -> list[bytes]:
        """What it answers to a packet."""
        opcode = Opcode(data[0] >> 3)
        if opcode in {Opcode.HARD_RESET_CLIENT_V3, Opcode.CONTROL_WKC_V1}:
            data = data[: -int.from_bytes(data[-2:], "big")]
        try:
            packet = read_packet(*self.wrapping.open(data))
        except MalformedReplyError:
            return []
        self.opcodes.append(packet.opcode)
        for number in packet.acks:
            assert packet.acknowledged == self.session
            self.acked.add(number)
            self._sent.pop(number, None)
        if packet.opcode in {Opcode.HARD_RESET_CLIENT_V2, Opcode.HARD_RESET_CLIENT_V3}:
            return [self.reset(packet)]
        if packet.opcode is Opcode.ACK_V1 or self.unwilling:
            return []
        assert packet.session == self.client
        number = packet.number or 0
        if self.cookie and number == 1:
            assert packet.opcode is Opcode.CONTROL_WKC_V1
        if number >= self._next:
            self._early[number] = packet.payload
        while self._next in self._early:
            self.heard += self._early.pop(self._next)
            self._next += 1
        return [self.seal(self._answering(Opcode.ACK_V1, (number,)))]

    def reset(self, packet: Packet) -> bytes:
        """The answer to a reset."""
        self.client = packet.session
        payload = RESEND_WKC if self.cookie else b""
        return self.seal(self._answering(Opcode.HARD_RESET_SERVER_V2, (0,), 0, payload))

    def say(self, data: bytes) -> list[bytes]:
        """TLS bytes in as many packets as they take."""
        for start in range(0, len(data), SIZE):
            self._number += 1
            piece = data[start : start + SIZE]
            self._sent[self._number] = self._answering(Opcode.CONTROL_V1, (), self._number, piece)
        return [self.seal(self._sent[n]) for n in sorted(self._sent)]

    def again(self) -> list[bytes]:
        """What the client has not acknowledged yet."""
        return [self.seal(packet) for packet in self._sent.values()]

    def seal(self, packet: Packet) -> bytes:
        """As it is sent."""
        self._replay += 1
        return self.wrapping.seal(packet.head(), packet.body(), Stamp(self._replay, 1))

    def _answering(
        self, opcode: Opcode, acks: tuple[int, ...], number: int | None = None, data: bytes = b""
    ) -> Packet:
        return Packet(
            opcode=opcode,
            session=self.session,
            acks=acks,
            acknowledged=self.client if acks else None,
            number=number,
            payload=data,
        )


def serving(
    server: Server,
    context: ssl.SSLContext | None = None,
    *,
    tcp: bool = False,
    change: Callable[[bytes], bytes] = bytes,
) -> Serve:
    """The server as a script: without a context it answers the reset and nothing more.

    ``change`` is done to each packet that it sends, before it is framed.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_side=True) if context else None

    async def serve(peer: FakePeer) -> None:
        while data := await peer.receive():
            out = server.take(data[2:] if tcp else data)
            if session and server.heard:
                incoming.write(bytes(server.heard))
                server.heard.clear()
                # It wants more, or the client has refused it.
                with contextlib.suppress(ssl.SSLError):
                    session.do_handshake()
                out += server.say(outgoing.read())
            for packet in out:
                changed = change(packet)
                peer.send(len(changed).to_bytes(2, "big") + changed if tcp else changed)

    return serve
