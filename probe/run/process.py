"""The life of the process around a service: signals, the service manager, memory, and the end."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from typing import Final

from probe.measure.measure import Instruments
from probe.plan.jobs import Plan
from probe.run.notify import Notifier
from probe.run.reload import ReloadRefusedError
from probe.run.resources import resident
from probe.run.sealing import Detail, NightlySealing
from probe.run.service import Service

INTERRUPTED: Final = 130
TEMPORARY: Final = 75  # EX_TEMPFAIL of sysexits.h: another attempt may succeed
STUCK: Final = 60.0  # seconds that the schedule may be behind before the watchdog goes hungry
LOOKED: Final = 10.0  # seconds between two looks at the memory

Renew = Callable[[], tuple[Plan, Instruments]]

_log = logging.getLogger("probe.run")


class Process:
    """Runs a service until something ends it.

    ``renew`` reads the configuration again and raises whatever is wrong with it; it runs in a
    thread, so that no clock of a measurement waits for it.
    """

    def __init__(
        self,
        service: Service,
        *,
        notifier: Notifier | None = None,
        renew: Renew | None = None,
        explained: Callable[[Exception], str | None] = lambda _: None,
        memory: int | None = None,
        sealing: NightlySealing | None = None,
    ) -> None:
        """``explained`` gives the text of an expected error, None for a bug; ``memory`` in bytes
        of resident size, above which the process ends itself; ``sealing`` packs past days."""
        self._service = service
        self._notifier = notifier or Notifier()
        self._renew = renew
        self._explained = explained
        self._memory = memory
        self._sealing = sealing
        self._stop = asyncio.Event()
        self._hangup = asyncio.Event()
        self._code = 0

    async def live(self, duration: float | None = None) -> int:
        """Run, for so many seconds if given; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(
                number, self._end, INTERRUPTED if number == signal.SIGINT else 0
            )
        if self._renew is not None:
            loop.add_signal_handler(signal.SIGHUP, self._hung_up, os.isatty(2))
        running = asyncio.create_task(self._service.run(self._stop))
        told = asyncio.create_task(self._stop.wait())
        beside = [asyncio.create_task(work) for work in (self._reloads(), self._memory_watch())]
        if self._sealing is not None:
            beside.append(asyncio.create_task(self._sealing.run(self._sealed)))
        if self._notifier.watchdog:
            beside.append(asyncio.create_task(self._feed(self._notifier.watchdog / 2)))
        await asyncio.sleep(0)  # the service begins
        if not running.done():
            self._notifier.ready(self._status())
        await asyncio.wait({running, told}, timeout=duration, return_when=asyncio.FIRST_COMPLETED)
        self._notifier.stopping()
        _log.info("stopping; what is under way may take a few seconds more")
        self._stop.set()
        await asyncio.wait({told})
        try:
            await running
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
        return self._code

    def _hung_up(self, on_terminal: bool) -> None:
        """Read the configuration again, unless it means that the terminal is gone."""
        if on_terminal and not os.isatty(2):
            self._end(128 + signal.SIGHUP)
        else:
            self._hangup.set()

    def _end(self, code: int) -> None:
        self._code = code
        self._stop.set()

    async def _reloads(self) -> None:
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            self._notifier.reloading()
            await self._reload()
            self._notifier.ready(self._status())

    async def _reload(self) -> None:
        if self._renew is None:
            return
        try:
            plan, instruments = await asyncio.to_thread(self._renew)
            if self._stop.is_set():
                return
            found = self._service.reload(plan, instruments)
        except Exception as exc:  # noqa: BLE001  (the old configuration goes on, whatever it is)
            text = str(exc) if isinstance(exc, ReloadRefusedError) else self._explained(exc)
            if text is None:
                _log.exception("reading the configuration again")
                text = f"internal error: {type(exc).__name__}"
            _log.error("the new configuration is refused, the old one goes on: %s", text)
            self._service.note("reload", accepted=False, error=text)
            return
        self._memory = plan.limits.memory
        if self._sealing is not None:
            self._sealing.change(plan.retention)
        counts = {
            "added": len(found.added),
            "removed": len(found.removed),
            "changed": len(found.changed),
        }
        words = ", ".join(f"{number} {word}" for word, number in counts.items())
        _log.info("configuration read again: %d targets (%s)", len(plan.jobs), words)
        for note in plan.notes:
            _log.warning("%s", note)
        self._service.note("reload", accepted=True, targets=len(plan.jobs), **counts)

    def _sealed(self, detail: Detail) -> None:
        self._service.note("sealed", **detail)

    async def _memory_watch(self) -> None:
        while True:
            await asyncio.sleep(LOOKED)
            self._notifier.status(self._status())
            taken = resident()
            if self._memory is None or taken <= self._memory:
                continue
            _log.error("%d MiB of memory are taken: ending, to be started anew", taken // 1024**2)
            self._service.note("memory_high", resident=taken, limit=self._memory)
            self._end(TEMPORARY)
            return

    async def _feed(self, period: float) -> None:
        """Signs of life, from the loop itself, and only while the schedule does what is due."""
        while True:
            if self._service.behind < STUCK:
                self._notifier.alive()
            await asyncio.sleep(period)

    def _status(self) -> str:
        service = self._service
        words = [
            f"{len(service.schedule.timetables)} targets",
            f"{service.limits.under_way} cycles under way",
        ]
        if service.limits.waiting:
            words.append(f"{service.limits.waiting} waiting for room")
        if service.backlog:
            words.append(f"{service.backlog} lines wait for the disk")
        return ", ".join(words)
