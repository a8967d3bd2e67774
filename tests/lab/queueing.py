"""One thread that holds the packets of a netfilter queue: timers, files and packets in one loop.

Who runs it decides about each packet at once or later; a packet that is neither passed nor dropped
stays in the kernel's queue, which holds ``ROOM`` of them.
"""

import heapq
import itertools
import select
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

from netfilterqueue import COPY_PACKET, NetfilterQueue

NUMBER: Final = 1
ROOM: Final = 16_384  # packets
_BUFFER: Final = 32 * 1024 * 1024  # octets of the netlink socket
_READY: Final = "ready"


class Held:
    """A packet in the kernel's queue, decided once."""

    __slots__ = ("_packet", "raw")

    def __init__(self, packet: "object") -> None:
        self._packet = packet
        self.raw: bytes = packet.get_payload()  # type: ignore[attr-defined]

    def go(self) -> None:
        """Let it continue on its way."""
        self._packet.accept()  # type: ignore[attr-defined]

    def drop(self) -> None:
        """Let it vanish."""
        self._packet.drop()  # type: ignore[attr-defined]


class QueueLoop:
    """Runs until standard input closes, that is, until its parent has gone."""

    def __init__(self, decide: Callable[[Held], None], told: Callable[[str], None]) -> None:
        """``decide`` gets every forwarded packet, ``told`` every line of standard input."""
        self._decide = decide
        self._told = told
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._files: dict[int, Callable[[], None]] = {}
        self._poll = select.poll()

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Call it at this time of ``time.monotonic``; equal times keep the order of calls."""
        heapq.heappush(self._timers, (when, next(self._count), what))

    def watch(self, fileno: int, what: Callable[[], None]) -> None:
        """Call it when the file can be read."""
        self._files[fileno] = what
        self._poll.register(fileno, select.POLLIN)

    def run(self) -> None:
        """Divert what this namespace forwards, say so, and work."""
        queue = NetfilterQueue()
        queue.bind(
            NUMBER, lambda packet: self._held(Held(packet)), ROOM, COPY_PACKET, 65535, _BUFFER
        )
        for tables in ("iptables", "ip6tables"):
            divert = ["-w", "-t", "mangle", "-A", "FORWARD", "-j", "NFQUEUE"]
            subprocess.run([tables, *divert, "--queue-num", str(NUMBER)], check=True)
        self.watch(queue.get_fd(), lambda: queue.run(block=False))
        self.watch(sys.stdin.fileno(), self._hear)
        print(_READY, flush=True)
        try:
            self._work()
        finally:
            queue.unbind()

    def _held(self, held: Held) -> None:
        """What was due before this packet goes before it, however late all of it is: on a busy
        machine a forged answer must not lose its race to the genuine one that stands in the queue.
        """
        self._catch_up()
        self._decide(held)

    def _catch_up(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def _work(self) -> None:
        timers = self._timers
        while sys.stdin.fileno() in self._files:
            self._catch_up()
            # poll counts whole milliseconds and rounds down here: late packets are worse than work
            wait = max(0.0, timers[0][0] - time.monotonic()) * 1000 if timers else None
            for fileno, _ in self._poll.poll(wait):
                self._files[fileno]()

    def _hear(self) -> None:
        line = sys.stdin.readline()
        if line:
            self._told(line)
            print(_READY, flush=True)
        else:
            del self._files[sys.stdin.fileno()]
