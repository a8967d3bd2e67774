"""The section ``schedule`` of a configuration, and the same keys of a single target."""

from collections.abc import Sequence
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from probe.core.units import Delay, Duration
from probe.plan.section import Strict
from probe.plan.target import SHORTEST
from probe.plan.timing import Quiet, Timing, always_resting, usual_gap

EVERY: Final = 600.0  # seconds, where nothing else is said


def _every(seconds: float) -> float:
    if seconds < SHORTEST:
        raise ValueError(f"nobody is to be asked more than once in {SHORTEST:g}s")
    return seconds


def _cron(text: str) -> str:
    usual_gap(text, "UTC")
    return " ".join(text.split())


def _quiet(text: str) -> str:
    Quiet.parse(text)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # none of that name, and no name of a zone at all
        raise ValueError(f"there is no time zone '{name}'; write it as in Asia/Shanghai") from None
    return name


Every = Annotated[Duration, AfterValidator(_every)]
Cron = Annotated[str, Field(max_length=200), AfterValidator(_cron)]
QuietHours = Annotated[str, AfterValidator(_quiet)]
Zone = Annotated[str, Field(max_length=100), AfterValidator(_zone)]


class ScheduleSection(Strict):
    """How often, and the most that a random delay may add to each start.

    ``cron`` stands in place of ``every``; in ``quiet`` hours nothing is begun. Both are read on
    the clock of ``timezone``.
    """

    every: Every = EVERY
    spread: Delay = 0.0
    cron: Cron | None = None
    quiet: list[QuietHours] = Field(default_factory=list, max_length=24)
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _possible(self) -> "ScheduleSection":
        if self.cron is not None and "every" in self.model_fields_set:
            raise keyed("give either 'every' or 'cron'", "cron")
        self.timing()
        return self

    def timing(
        self,
        *,
        every: float | None = None,
        spread: float | None = None,
        cron: str | None = None,
        quiet: Sequence[str] | None = None,
    ) -> Timing:
        """The timing of a target with these values of its own. ValueError if it is never due."""
        timing = Timing(
            spread=self.spread if spread is None else spread,
            cron=cron or (None if every else self.cron),
            quiet=tuple(Quiet.parse(text) for text in (self.quiet if quiet is None else quiet)),
            timezone=self.timezone,
        )
        if always_resting(timing):
            raise keyed("these hours leave no moment to measure at", "quiet")
        return timing

    def period(self, timing: Timing, every: float | None) -> float:
        """Seconds between two turns; under a cron expression their usual distance."""
        if timing.cron:
            return usual_gap(timing.cron, timing.timezone)
        return every or self.every


def keyed(message: str, *key: str | int) -> ValueError:
    """An error that knows which key below is wrong."""
    problem = ValueError(message)
    problem.key = key  # type: ignore[attr-defined]
    return problem
