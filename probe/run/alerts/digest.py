"""Once a day, everything: how each feature was, what changed, and how the probe itself was."""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from probe.run.alerts.state import Day, Item, State, Subject
from probe.run.alerts.wording import moment, span

_LINES = 40  # features, and changes, that are listed


def next_digest(after: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The first moment later than ``after`` when a clock in that zone shows this time.

    Where the clock is put forward over it, it is the moment an hour later; where it is put back,
    the first of two.
    """
    day = after.astimezone(zone).date()
    while True:
        moment_ = datetime.combine(day, at, zone)
        # To UTC and back: a difference within one zone is one of clock faces, not of time.
        if moment_.astimezone(ZoneInfo("UTC")) > after:
            return moment_.astimezone(ZoneInfo("UTC"))
        day += timedelta(days=1)


def digest(
    state: State, called: Iterable[tuple[str, Subject]], now: datetime, zone: ZoneInfo
) -> Item:
    """The day until now; ``called`` are the features with their names. Changes nothing."""
    features = list(called)
    bad = [pair for pair in features if pair[1].standing.told not in {None, "ok"}]
    failing = f"{len(bad)} of {len(features)} failing" if bad else "all as it should be"
    listed = [*bad, *(pair for pair in features if pair not in bad)]
    return Item(
        at=now,
        headline=f"digest, {failing}",
        lines=[
            f"from {moment(state.day.begin, zone)} to {moment(now, zone)}",
            *_limited((f"{name}: {_of(subject)}" for name, subject in listed), len(listed)),
            *(["changes:", *state.day.changes] if state.day.changes else ["no changes"]),
            *([f"and {state.day.more_changes} more"] if state.day.more_changes else []),
            *_probe(state, now),
        ],
    )


def note_change(day: Day, line: str) -> None:
    """Keep a change for the digest; only so many are listed."""
    if len(day.changes) < _LINES:
        day.changes.append(line)
    else:
        day.more_changes += 1


def away(state: State, now: datetime) -> float:
    """Seconds of the day without a network, with those that go on."""
    going_on = (now - max(state.away, state.day.begin)).total_seconds() if state.away else 0.0
    return state.day.away + max(going_on, 0.0)


def _of(subject: Subject) -> str:
    if not subject.tally:
        return "not measured"
    told = subject.standing.told or "nothing concluded yet"
    rest = ", ".join(f"{n} {outcome}" for outcome, n in sorted(subject.tally.items()))
    return f"{told} ({rest})"


def _limited(lines: Iterator[str], count: int) -> list[str]:
    kept = [line for line, _ in zip(lines, range(_LINES), strict=False)]
    return [*kept, f"and {count - _LINES} more"] if count > _LINES else kept


def _probe(state: State, now: datetime) -> Iterator[str]:
    gone = away(state, now)
    if gone >= 60:
        still = f", and still is ({state.away_as})" if state.away else ""
        yield f"the vantage itself was without a working network for {span(gone)}{still}"
    if state.day.missed:
        yield f"{state.day.missed} turns were missed"
    if state.day.skipped:
        yield f"{state.day.skipped} turns were left out"
