"""The line behind the censor: delay, jitter, loss and outages, run on the transit.

    python -m lab.latency

It reads a ``Line`` as JSON from each line of standard input. Packets keep their order in each
direction, as they do on a real line. Without delay a censor's injected packets lose their race.
"""

import random
import sys
import time
from functools import lru_cache
from zlib import crc32

import msgspec
from lab.packets import parse
from lab.places import CLIENTS
from lab.queueing import Held, QueueLoop


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the line is. Times are seconds, each way; every far host has a delay of its own between
    ``least`` and ``most``. Loss and outages are the vantage's own: what the control sends to the
    world is only delayed. Of every ``period``, the line is down for the first ``down``."""

    least: float = 0.005
    most: float = 0.040
    jitter: float = 0.0
    loss: float = 0.0  # share of packets, each way
    period: float = 0.0
    down: float = 0.0
    seed: int = 0


class Delay:
    """Holds every packet for its time."""

    def __init__(self) -> None:
        self._loop = QueueLoop(self._hold, self._told)
        self._told("{}")

    def run(self) -> None:
        """Until standard input closes."""
        self._loop.run()

    def _told(self, text: str) -> None:
        self._line = line = msgspec.json.decode(text, type=Line)
        self._random = random.Random(line.seed)
        self._since = time.monotonic()
        self._last: dict[str, float] = {}  # when the last packet to this host was due

        @lru_cache(None)
        def delay(host: str) -> float:
            share = (crc32(f"{host} {line.seed}".encode()) % 1024) / 1023
            return line.least + share * (line.most - line.least)

        self._delay = delay

    def _hold(self, held: Held) -> None:
        packet = parse(held.raw)
        if packet is None:
            held.go()
            return
        outward = packet.src.startswith(CLIENTS)
        if (outward or packet.dst.startswith(CLIENTS)) and self._lost():
            held.drop()
            return
        due = time.monotonic() + self._delay(packet.dst if outward else packet.src)
        if self._line.jitter:
            due += self._random.uniform(0, self._line.jitter)
        way = f"{packet.src} {packet.dst}"
        due = self._last[way] = max(due, self._last.get(way, 0.0))
        self._loop.at(due, held.go)

    def _lost(self) -> bool:
        line = self._line
        if line.period and (time.monotonic() - self._since) % line.period < line.down:
            return True
        return line.loss > 0 and self._random.random() < line.loss


if __name__ == "__main__":
    sys.exit(Delay().run())
