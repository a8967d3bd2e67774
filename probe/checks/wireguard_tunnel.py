"""Our end of a WireGuard tunnel: the session of the newest handshake, and those before it."""

from collections.abc import Callable
from typing import Final

from probe.core.failure import MalformedReplyError
from probe.core.model import JSON
from probe.net import Datagrams
from probe.wire.wireguard import INITIATION, Answer
from probe.wire.wireguard_transport import KEEPALIVE_AFTER, Session

_RESPONSE: Final = b"\2\0\0\0"


class WireguardTunnel:
    """Speaks in the session of the newest initiation that was answered.

    Where an answer took longer than we waited, a second initiation is under way when the first is
    answered, and the server drops the first session for the second: so answers are still taken.
    """

    def __init__(
        self,
        answer: Answer,
        session: Session,
        *,
        initiation: Callable[[], bytes],
        read: Callable[[bytes], Answer | None],
    ) -> None:
        """Begin with a complete answer and its session; ``initiation`` and ``read`` are the
        initiator's."""
        self._newest, self._sessions = answer.number, {session.index: session}
        self._speaking = session
        self._initiation, self._read = initiation, read
        self.owed, self.acknowledges, self.forgotten = KEEPALIVE_AFTER, True, False
        self.answers = 1
        self._strays = self._calls = 0

    def seal(self, packet: bytes = b"") -> bytes:
        """The datagram for a packet; without one, a keepalive."""
        return self._speaking.seal(packet)

    async def ask(self, sock: Datagrams) -> None:
        """Send the first message of another handshake."""
        await sock.send(self._initiation())

    def read(self, data: bytes) -> bytes | None:
        """The packet in a datagram, empty for a keepalive; None for what is none."""
        session = self._sessions.get(data[4:8])
        if session and session.replayed(data):
            return None  # a datagram that came twice
        packet = session.open(data) if session else None
        if packet is None:
            self._other(data)
        return packet

    def _other(self, data: bytes) -> None:
        if len(data) == INITIATION and data[:4] == b"\1\0\0\0":
            self._calls += 1
            return
        try:
            answer = self._read(data) if data[:4] == _RESPONSE else None
        except MalformedReplyError:
            answer = None
        if answer is None or answer.session is None:
            self._strays += 1
        elif answer.session.index not in self._sessions:
            self.answers += 1
            self._sessions[answer.session.index] = answer.session
            if answer.number > self._newest:
                self._newest, self._speaking = answer.number, answer.session

    def facts(self) -> dict[str, JSON]:
        """Datagrams that the keys do not open; and initiations of the server's own, which it sends
        when it has sent packets and hears nothing."""
        return {"strays": self._strays, **({"calls": self._calls} if self._calls else {})}
