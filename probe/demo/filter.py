"""The path from one vantage to the replay's servers: how long it takes, and what it cuts.

A path does things to connections and knows nothing of verdicts. It reads the server name as a
filter does, from the client's first bytes, and resets whatever the story tells it to, wherever the
connection leads: to the host of that name, or to the control's decoy.
"""

import asyncio
import errno
import math
import random
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from probe.core.address import Endpoint
from probe.demo.hello import server_name
from probe.demo.scripted import Script
from probe.demo.story import Cut, Host, Place, Story
from probe.net.clocks import Clock
from probe.net.fake import FakeNetwork, FakePeer, FakeStream, Serve, os_error

_EVENING: Final = 12.0  # o'clock in UTC: eight in the evening in China, when lines are full
_SWELL: Final = 0.4  # of the distance is added then
_JITTER: Final = 0.1  # of it, in the mean, is chance


class Path(FakeNetwork):
    """A network that ends at the replay's servers, as seen from one place in the story."""

    def __init__(self, story: Story, place: Place, clock: Clock) -> None:
        """A path on which nobody answers yet."""
        super().__init__(names={host.name: (host.address,) for host in story.hosts})
        self._place = place
        self._clock = clock
        self._cuts = tuple(cut for cut in story.filter if place.id in cut.vantages)
        self._losses = 0.0 if place == story.control else story.losses
        self._seed = story.seed
        self._chance = random.Random(f"{story.seed} {place.id}")  # noqa: S311  (no secret)
        self._gone: dict[Endpoint, datetime] = {}

    def serve(self, hosts: Mapping[Host, Script]) -> None:
        """Put servers at the end of the path."""
        for host, script in hosts.items():
            endpoint = Endpoint(host.address, host.port)
            self.tcp[endpoint] = self._filtered(script)
            if host.gone is not None:
                self._gone[endpoint] = host.gone

    def distance(self) -> float:
        """Seconds until an answer is back, longer in the evening and never twice the same."""
        now = self._clock.now()
        hours = (now.hour + now.minute / 60 - _EVENING) / 24
        swell = _SWELL * (1 + math.cos(2 * math.pi * hours)) / 2
        return self._place.distance * (1 + swell + self._chance.expovariate(1 / _JITTER))

    async def lookup(self, host: str) -> tuple[str, ...]:
        """As the script has it, unless the vantage is offline."""
        self.down = self._offline()
        return await super().lookup(host)

    async def connect(self, endpoint: Endpoint) -> FakeStream:
        """Dial: it takes its time, and once in a while comes to nothing."""
        self.down = self._offline()
        if not self.down:
            await asyncio.sleep(self.distance())
            if self._is_gone(endpoint):
                await asyncio.get_running_loop().create_future()  # nobody answers a SYN
            if self._chance.random() < self._losses:
                raise os_error(errno.ECONNRESET)
        self.dialled.clear()
        return await super().connect(endpoint)

    def _offline(self) -> bool:
        now = self._clock.now()
        return any(now in span for span in self._place.offline)

    def _is_gone(self, endpoint: Endpoint) -> bool:
        gone = self._gone.get(endpoint)
        return gone is not None and self._clock.now() >= gone

    def _filtered(self, script: Script) -> Serve:
        async def passed_on(peer: FakePeer) -> None:
            first = await peer.receive()
            name = server_name(first) if self._cuts else None
            if name is not None and self._cut_now(name):
                peer.reset()
            else:
                await script(peer, first)

        return passed_on

    def _cut_now(self, name: str) -> bool:
        now = self._clock.now()
        return any(cut.name == name and now in cut and self._drawn(cut, now) for cut in self._cuts)

    def _drawn(self, cut: Cut, now: datetime) -> bool:
        """Whether the filter is on in this hour; the same for every connection in it."""
        if cut.share >= 1:
            return True
        hour = int(now.timestamp() // 3600)
        lot = random.Random(f"{self._seed} {self._place.id} {cut.name} {hour}")  # noqa: S311
        return lot.random() < cut.share
