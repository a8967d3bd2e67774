"""How much the echo may send: token buckets, for each address and for all together."""

from dataclasses import dataclass
from typing import Final

from probe.net.clocks import Clock

_ADDRESSES_MAX: Final = 1024  # remembered; no more have an open session
TOTAL: Final = 10  # times what one address may have is what all may have together


@dataclass(slots=True)
class _Bucket:
    """Fills by ``rate`` in a second, up to ``size``."""

    rate: float
    size: float
    level: float
    at: float

    def holds(self, amount: float, now: float) -> bool:
        self.level = min(self.size, self.level + (now - self.at) * self.rate)
        self.at = now
        return self.level >= amount


class Rates:
    """Grants packets and octets, at most one second's worth at once."""

    def __init__(self, clock: Clock, *, packets: float, octets: float) -> None:
        """``packets`` and ``octets`` are what one address may have in a second."""
        self._clock = clock
        self._rates = (packets, octets)
        self._all = self._buckets(TOTAL)
        self._each: dict[str, tuple[_Bucket, _Bucket]] = {}

    def grant(self, ip: str, *, packets: int = 0, octets: int = 0) -> bool:
        """Take this much from the address's share and from the common one, or nothing at all."""
        own = self._each.pop(ip, None) or self._buckets(1)
        self._each[ip] = own  # the one that was used last stands last
        if len(self._each) > _ADDRESSES_MAX:
            del self._each[next(iter(self._each))]
        now = self._clock.monotonic()
        wanted = [*zip((*own, *self._all), (packets, octets) * 2, strict=True)]
        granted = all(bucket.holds(amount, now) for bucket, amount in wanted)
        if granted:
            for bucket, amount in wanted:
                bucket.level -= amount
        return granted

    def _buckets(self, times: int) -> tuple[_Bucket, _Bucket]:
        now = self._clock.monotonic()
        packets, octets = (_Bucket(r * times, r * times, r * times, now) for r in self._rates)
        return packets, octets
