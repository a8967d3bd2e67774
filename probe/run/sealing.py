"""Has past days sealed once a night, in a process of its own that yields to everything else.

The measuring process never converts anything itself and never loads DuckDB.
"""

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final

from probe.core.model import JSON
from probe.plan.retention import RetentionSection

DUE: Final = time(1)  # UTC; an hour after the day's end
SETTLED: Final = 60.0  # seconds after the start: a short run has nothing to seal
LOOK: Final = 300.0  # seconds between two looks at the clock: it may jump
LONGEST: Final = 6 * 3600.0  # seconds that a sealing may take before it is ended

_log = logging.getLogger("probe.run")

Detail = dict[str, JSON]


async def in_subprocess(arguments: Sequence[str]) -> Detail:
    """Run ``probe seal`` with these arguments; gives what it did. Cancelling ends the process.

    Raises OSError, TimeoutError and ValueError, with what the process said last.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "probe", "seal", *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LONGEST):
            out, err = await process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # at any moment: nothing is lost by it
        await process.wait()
        raise
    if not out.strip():
        said = err.decode("utf-8", "replace").strip().splitlines()
        if process.returncode == 0:
            raise ValueError("another process is sealing these results")
        raise ValueError(said[-1] if said else f"it ended with code {process.returncode}")
    detail: Detail = json.loads(out)
    return detail


class NightlySealing:
    """Seals the past days of a results folder, and deletes what retention says.

    ``report`` is called on the loop with the detail of an event ``sealed`` each time something was
    done or went wrong: ``parts``, ``records``, ``rejected``, ``bytes_before``, ``bytes_after``,
    ``deleted_days``, ``deleted_objects``, ``freed``, ``size`` (bytes that the results take now) and
    ``trouble`` (a list of lines). ``start`` runs the command, and is another one in virtual time.
    """

    def __init__(
        self,
        results: Path,
        retention: RetentionSection,
        now: Callable[[], datetime],
        start: Callable[[Sequence[str]], Awaitable[Detail]] = in_subprocess,
    ) -> None:
        """Start nothing yet. ``now`` is the wall clock, e.g. ``clock.now``."""
        self._results = results
        self._now = now
        self._start = start
        self.change(retention)

    def change(self, retention: RetentionSection) -> None:
        """Go by other limits from the next time on: the configuration was read again."""
        self._limits = []
        if retention.keep is not None:
            self._limits += ["--keep", f"{retention.keep.days}d"]
        if retention.max_size is not None:
            self._limits += ["--max-size", str(retention.max_size)]

    async def run(self, report: Callable[[Detail], None]) -> None:
        """Seal soon, for what the last run left, and whenever a day is due; until cancelled."""
        await asyncio.sleep(SETTLED)
        done: datetime | None = None
        while True:
            due = due_by(self._now())
            # Also when the clock was set back: what is sealed already is left as it is.
            if due != done:
                done = due
                await self.once(report)
            await asyncio.sleep(LOOK)

    async def once(self, report: Callable[[Detail], None]) -> None:
        """Seal what is due. Never raises: what went wrong is reported as ``trouble``."""
        arguments = ["--results", str(self._results), "--format", "json", "--no-event"]
        try:
            detail = await self._start([*arguments, *self._limits])
        except (OSError, TimeoutError, ValueError) as exc:
            detail = {"trouble": [str(exc) or f"it took longer than {LONGEST / 3600:g} h"]}
        for line in detail.get("trouble", ()):
            _log.warning("sealing results: %s", line)
        if days := detail.get("deleted_days"):
            _log.info("deleted results of %s to %s: beyond what is kept", days[0], days[-1])
        if any(detail.get(name) for name in ("parts", "rejected", "deleted_days", "trouble")):
            report(detail)


def due_by(at: datetime) -> datetime:
    """The last moment not after ``at`` when a day became due."""
    moment = datetime.combine(at.astimezone(UTC).date(), DUE, UTC)
    return moment if moment <= at else moment - timedelta(days=1)
