"""The control channel as a client: a reset, and then bytes in order over packets that get lost.

Time is an argument, in seconds of any clock that is never set back; nothing here waits or sends.
What is to be sent is asked for with ``due``, and again when ``wake`` says so.
"""

from dataclasses import dataclass, replace
from typing import Final

from probe.core.failure import MalformedReplyError
from probe.wire.openvpn.packets import (
    NAME,
    SESSION,
    Opcode,
    Packet,
    opcode_of,
    read_packet,
    wants_key_again,
)
from probe.wire.openvpn.wrapping import Plain, Stamp, Wrapping

LARGEST: Final = 1250  # bytes of a packet that is sent: OpenVPN's --max-packet-size
WINDOW: Final = 4  # packets under way at once: what the oldest servers in use take
AHEAD: Final = 12  # packets that are kept while an earlier one is missing (2.6)
AGAIN: Final = 1.0  # seconds until a packet is sent again; each time twice as long
PIGGYBACK: Final = 4  # acknowledgements in a packet that carries data
MOST: Final = 256 * 1024  # bytes that a server's side of a handshake may have


@dataclass(slots=True)
class _Sent:
    packet: Packet
    again: float  # when it is to be sent again
    pause: float


class Control:
    """One client's conversation with one server.

    ``session`` is 8 random bytes, ``time`` the wall clock in seconds since 1970 (it stands in
    replay ids), ``repeats`` whether packets can get lost: not over TCP.
    """

    def __init__(self, wrapping: Wrapping, session: bytes, time: int, *, repeats: bool) -> None:
        """Begin; nothing has been sent yet."""
        assert len(session) == SESSION
        self.session = session
        self.server: bytes | None = None  # the server's session id, once it has answered
        self.wrapping = wrapping
        self.repeats = repeats
        self.key_again = False  # whether the server wants the wrapped client key once more
        self._time = time
        self._replay = wrapping.first
        self._under_way: dict[int, _Sent] = {}
        self._queue: list[bytes] = []
        self._number = 0
        self._heard = False  # whether the server has taken in anything behind the reset
        self._owed: list[int] = []
        self._expected = 1
        self._early: dict[int, bytes] = {}
        self._ready = bytearray()
        self._taken = 0

    # --- the reset

    def reset(self) -> bytes:
        """The first packet; each call seals it anew, with the next replay id."""
        return self._sealed(
            Packet(opcode=self.wrapping.reset, session=self.session, number=0), trailer=True
        )

    def answer(self, data: bytes) -> bool:
        """Take a packet in answer to the reset: whether it is one, bound to this session.

        Raises MalformedReplyError for what is no packet; NotAuthenticError for one that the
        server's key has not made.
        """
        packet = self._opened(data)
        if not self._answers(packet):
            return False
        self.server = packet.session
        self._owed = [0]
        has_one = bool(self.wrapping.trailer(Opcode.CONTROL_WKC_V1))
        self.key_again = has_one and wants_key_again(packet.payload)
        return True

    def answered_plainly(self, data: bytes) -> bool:
        """Whether this is an answer to the reset that no wrapping is around."""
        try:
            return self._answers(read_packet(*Plain().open(data)))
        except MalformedReplyError:
            return False

    def _answers(self, packet: Packet) -> bool:
        return (
            packet.opcode is Opcode.HARD_RESET_SERVER_V2
            and packet.acknowledged == self.session
            and packet.acks == (0,)
            and packet.number == 0
            and packet.key_id == 0
        )

    # --- what comes after it

    def write(self, data: bytes) -> None:
        """Bytes for the server, to be sent in pieces."""
        carrier = self.wrapping.trailer(Opcode.CONTROL_WKC_V1)
        # opcode, session; acks and the session that they are for; number
        room = LARGEST - self.wrapping.overhead - 1 - SESSION - 1 - 4 * PIGGYBACK - SESSION - 4
        first = self._number == 0 and not self._queue and self.key_again
        while data:
            size = room - (len(carrier) if first else 0)
            self._queue.append(data[:size])
            data, first = data[size:], False

    def read(self) -> bytes:
        """What the server said, in order, and not read yet."""
        out = bytes(self._ready)
        self._ready.clear()
        return out

    def take(self, data: bytes) -> bool:
        """Take a packet: whether it belongs to this conversation. Raises as ``answer`` does."""
        packet = self._opened(data)
        if packet.session != self.server or packet.key_id:
            return False
        if packet.acks and packet.acknowledged != self.session:
            return False
        for number in packet.acks:
            if self._under_way.pop(number, None):
                self._heard = True
        match packet.opcode:
            case Opcode.ACK_V1:
                return True
            case Opcode.CONTROL_V1:
                self._heard = True  # it speaks of what it was told, whatever it acknowledges
                self._accept(packet.number or 0, packet.payload)
                return True
            case Opcode.HARD_RESET_SERVER_V2:  # repeated: our acknowledgement was lost
                self._owe(0)
                return True
            case _:
                return False

    @property
    def idle(self) -> bool:
        """Whether the server has acknowledged all that there was to send."""
        return not self._under_way and not self._queue

    def due(self, now: float) -> list[bytes]:
        """The packets that are to be sent now."""
        out = []
        for sent in self._under_way.values():
            if self.repeats and sent.again <= now:
                sent.pause *= 2
                sent.again = now + sent.pause
                out.append(self._control(sent.packet))
        # A server that keeps no state until now must see the first packet first.
        window = WINDOW if self._heard else 1
        while self._queue and len(self._under_way) < window:
            self._number += 1
            wrapped = self._number == 1 and self.key_again
            packet = Packet(
                opcode=Opcode.CONTROL_WKC_V1 if wrapped else Opcode.CONTROL_V1,
                session=self.session,
                number=self._number,
                payload=self._queue.pop(0),
            )
            self._under_way[self._number] = _Sent(packet, now + AGAIN, AGAIN)
            out.append(self._control(packet))
        if self._owed and (self._heard or not self._under_way):
            acks, self._owed = tuple(self._owed), []
            out.append(
                self._sealed(
                    Packet(
                        opcode=Opcode.ACK_V1,
                        session=self.session,
                        acks=acks,
                        acknowledged=self.server,
                    )
                )
            )
        return out

    def wake(self) -> float | None:
        """When something may have to be sent again; None if nothing is under way."""
        if not self.repeats:
            return None
        return min((sent.again for sent in self._under_way.values()), default=None)

    def _accept(self, number: int, payload: bytes) -> None:
        if number >= self._expected + AHEAD:
            return  # not acknowledged: it has to come again
        self._owe(number)
        if number < self._expected or number in self._early:
            return
        self._taken += len(payload)
        if self._taken > MOST:
            raise MalformedReplyError(NAME, f"a handshake of more than {MOST} bytes")
        self._early[number] = payload
        while self._expected in self._early:
            self._ready += self._early.pop(self._expected)
            self._expected += 1

    def _owe(self, number: int) -> None:
        if number not in self._owed and len(self._owed) < PIGGYBACK + WINDOW:
            self._owed.append(number)

    def _control(self, packet: Packet) -> bytes:
        """With what is owed; the first one always names the server's session, which is the proof
        that a stateless server waits for."""
        acks = tuple(self._owed[:PIGGYBACK])
        self._owed = self._owed[PIGGYBACK:]
        if not acks and not self._heard:
            acks = (0,)
        if acks:
            packet = replace(packet, acks=acks, acknowledged=self.server)
        return self._sealed(packet, trailer=True)

    # --- wrapping

    def _sealed(self, packet: Packet, *, trailer: bool = False) -> bytes:
        stamp = Stamp(self._replay, self._time)
        self._replay += 1
        out = self.wrapping.seal(packet.head(), packet.body(), stamp)
        return out + (self.wrapping.trailer(packet.opcode) if trailer else b"")

    def _opened(self, data: bytes) -> Packet:
        opcode_of(data)  # what is no packet at all is told apart from what has the wrong key
        return read_packet(*self.wrapping.open(data))
