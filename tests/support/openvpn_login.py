"""An OpenVPN server on the scripted network that lets a user in, and the way to it.

The codec is shared with the probe; tests/vpn holds it against the real server. The options say what
the server does in each stage, and which packets of data pass the way, by their number.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from support.openvpn import Server
from wire.test_icmp_echo import replied

from probe.net.fake import FakePeer
from probe.wire.openvpn.data import EXIT, Session, is_data
from probe.wire.openvpn.key_exchange import Offer, data_keys, read_reply
from probe.wire.openvpn.packets import Opcode
from probe.wire.openvpn.wrapping import Plain

PUSH = (
    "PUSH_REPLY,route-gateway 10.98.0.1,topology subnet,ping 10,ping-restart 60,"
    "ifconfig 10.98.0.2 255.255.255.0,peer-id 7,cipher AES-256-GCM"
)
Rule = Callable[[int], bool]


@dataclass
class LoginServer:
    """Call it as a script.

    ``told`` is what the client said: its texts of the key exchange and its messages. ``got`` are
    the packets that came through the tunnel. ``pings`` are seconds between the server's own pings,
    as a server with ``keepalive`` sends them where it has sent nothing; ``deaf`` is the number of
    the packet of data from which on it has forgotten its client.
    """

    context: ssl.SSLContext
    tcp: bool = False
    options: str = "V4,dev-type tun,tls-server"
    push: tuple[str, ...] = (PUSH,)
    cipher: str = "AES-256-GCM"
    inside: bool = True
    there: Rule = lambda _: True
    back: Rule = lambda _: True
    control: Rule = lambda _: True
    pings: float | None = 10.0
    deaf: int | None = None
    junk: bytes = b""
    says: tuple[int, bytes] | None = None
    told: list[str] = field(default_factory=list)
    got: list[bytes] = field(default_factory=list)
    identities: list[dict[str, object]] = field(default_factory=list)
    server: Server = field(default_factory=lambda: Server(Plain()))  # of the last client

    async def __call__(self, peer: FakePeer) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)
        server = self.server = Server(Plain())
        conversation = _Conversation(self, peer, server, tls, outgoing)
        try:
            while data := await peer.receive():
                packet = data[2:] if self.tcp else data
                if is_data(packet):
                    conversation.data(packet)
                elif not self.control(conversation.count("control")):
                    continue
                elif packet[0] >> 3 == Opcode.HARD_RESET_CLIENT_V2 and conversation.session:
                    conversation.send(Server(Plain(), session=b"another!").take(packet))
                elif not conversation.forgotten:
                    conversation.send(server.take(packet))
                    if server.heard:
                        incoming.write(bytes(server.heard))
                        server.heard.clear()
                        with contextlib.suppress(ssl.SSLError):
                            conversation.inside_tls()
                    conversation.flush()
        finally:
            conversation.end()


class _Conversation:
    def __init__(
        self,
        script: LoginServer,
        peer: FakePeer,
        server: Server,
        tls: ssl.SSLObject,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        self._script, self._peer, self._server = script, peer, server
        self._tls, self._outgoing = tls, outgoing
        self._numbers: dict[str, int] = {}
        self._shaken = False
        self._ping: asyncio.TimerHandle | None = None
        self.session: Session | None = None
        self.forgotten = False

    def count(self, what: str) -> int:
        self._numbers[what] = self._numbers.get(what, 0) + 1
        return self._numbers[what]

    def send(self, packets: list[bytes]) -> None:
        for packet in packets:
            framed = len(packet).to_bytes(2, "big") + packet if self._script.tcp else packet
            self._peer.send(framed)

    def flush(self) -> None:
        if data := self._outgoing.read():
            self.send(self._server.say(data))

    def inside_tls(self) -> None:
        """Whatever can be done with what came."""
        if not self._shaken:
            self._tls.do_handshake()
            self._shaken = True
            self._script.identities.append(dict(self._tls.getpeercert() or {}))
        while data := self._tls.read(65536):
            self._hear(data)

    def _hear(self, data: bytes) -> None:
        script = self._script
        if self.session is None:
            offer = Offer(data[5:53], data[53:85], data[85:117])
            script.told += _texts(data[117:])
            text = script.options.encode() + b"\0"
            answer = bytes(4) + b"\2" + b"r" * 64 + len(text).to_bytes(2, "big") + text
            reply = read_reply(answer)
            assert reply
            keys = data_keys(offer, reply, self._server.client, self._server.session)
            self.session = Session(keys[128:] + keys[:128], script.cipher, 7)
            self._tls.write(answer)
            return
        for message in data.rstrip(b"\0").decode().split("\0"):
            script.told.append(message)
            if message == "PUSH_REQUEST" and script.told.count(message) == 1:
                for pushed in script.push:
                    self._tls.write(pushed.encode() + b"\0")
                self._ping_later()

    def data(self, packet: bytes) -> None:
        script, number = self._script, self.count("there")
        if script.deaf is not None and number >= script.deaf:
            self.forgotten = True
            self.end()
        if self.session is None or self.forgotten or not script.there(number):
            return
        found = self.session.open(packet)
        assert found is not None
        script.got.append(found)
        if script.says and number == script.says[0]:
            self._tls.write(script.says[1])
            self.flush()
        if script.junk:
            self.send([script.junk])
        if found and found != EXIT and script.inside:
            self._seal(replied(found))

    def _seal(self, packet: bytes = b"") -> None:
        assert self.session
        sealed = self.session.seal(packet)
        if self._script.back(self.count("back")):
            self.send([sealed])
        self._ping_later()

    def _ping_later(self) -> None:
        if self._script.pings is not None and not self.forgotten:
            self.end()
            loop = asyncio.get_running_loop()
            self._ping = loop.call_later(self._script.pings, self._seal)

    def end(self) -> None:
        if self._ping:
            self._ping.cancel()


def _texts(data: bytes) -> list[str]:
    found = []
    while data:
        length = int.from_bytes(data[:2], "big")
        found.append(data[2 : 2 + length].rstrip(b"\0").decode())
        data = data[2 + length :]
    return found
