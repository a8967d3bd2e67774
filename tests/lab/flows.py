"""What the censor remembers: TCP connections with their numbers, and who is blocked until when."""

from dataclasses import dataclass, field
from typing import Final

from lab.packets import ACK, Packet
from lab.rules import Residual, Rule, Throttle

READ: Final = 4096  # octets of the client's first data in which a server name is looked for
Key = tuple[str, int, str, int]  # client, its port, far host, its port
Triple = tuple[str, str, int]  # client, far host, its port


class Bucket:
    """A rate for one direction of one connection (RFC 2697, one colour)."""

    def __init__(self, limit: Throttle) -> None:
        self._rate = limit.kbit * 1000 / 8
        self._burst = float(limit.burst)
        self._tokens = self._burst
        self._at: float | None = None

    def take(self, size: int, now: float) -> bool:
        """True while the rate allows these octets."""
        self._fill(now)
        if self._tokens < size:
            return False
        self._tokens -= size
        return True

    def owe(self, size: int, now: float) -> float:
        """Seconds until these octets may go, if they wait for their turn."""
        self._fill(now)
        self._tokens -= size
        return max(0.0, -self._tokens / self._rate)

    def _fill(self, now: float) -> None:
        since = now - (self._at if self._at is not None else now)
        self._tokens = min(self._burst, self._tokens + since * self._rate)
        self._at = now


@dataclass(slots=True)
class Flow:
    """One TCP connection, as seen from the router."""

    client: tuple[str, int]
    server: tuple[str, int]
    rules: list[Rule]  # those for its address, port and protocol
    client_next: int = 0  # the sequence numbers that each end expects from the other
    server_next: int = 0
    said: bytes = b""  # the client's first data, until its server name is known
    named: bool = False
    deaf: bool = False  # what the client sends vanishes
    mute: bool = False  # what the server sends vanishes
    received: int = 0  # octets from the server
    buckets: dict[tuple[int, bool], Bucket] = field(default_factory=dict)
    freezes: list[int] = field(default_factory=list)
    throttles: list[Throttle] = field(default_factory=list)

    def see(self, packet: Packet, outward: bool) -> None:
        """Keep the numbers; a segment that was dropped counts too, for what is forged next."""
        if outward:
            self.client_next = packet.after
            if packet.flags & ACK:
                self.server_next = packet.ack
        else:
            self.received += len(packet.payload)

    @property
    def triple(self) -> Triple:
        """What residual blocking sits on."""
        return (self.client[0], *self.server)

    def bucket(self, limit: Throttle, outward: bool) -> Bucket:
        """The bucket of this rule and direction."""
        key = (id(limit), outward)
        if key not in self.buckets:
            self.buckets[key] = Bucket(limit)
        return self.buckets[key]


class Residuals:
    """(client, host, port) that are blocked for any name for a while."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str, int], tuple[float, Residual]] = {}

    def begin(self, triple: Triple, residual: Residual | None, now: float) -> None:
        """Block the triple from now on, if the rule says so."""
        if residual is not None:
            self._until[triple] = (now + residual.seconds, residual)

    def active(self, client: str, host: str, port: int, now: float) -> Residual | None:
        """What is done to this triple now."""
        until, residual = self._until.get((client, host, port), (0.0, None))
        return residual if now < until else None
