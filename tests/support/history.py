"""A results folder as a probe leaves it, and what a reader sees in it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.records import HERE, https, measured, verdict

from probe.core.ids import uuid7
from probe.core.model import Event, Measurement, Vantage, Verdict
from probe.record.codec import encode
from probe.record.journal import Journal
from probe.record.scan import ScanReport, events, measurements, verdicts
from probe.record.seal import Sealing, seal, sealing_alone

DAY = datetime(2017, 7, 18, tzinfo=UTC)
LATER = datetime(2017, 8, 1, tzinfo=UTC)
CONTROL = Vantage(id="fra-1:8443", country="DE")


def cycle(at: datetime, *, fails: bool = False, certificate: str = "ab" * 32) -> list[Measurement]:
    """A measurement of a target here, and a control's."""
    steps = https(*(("connect", "connection_reset") if fails else ()))
    if not fails:
        steps = https(None, None, peer_certificates=[certificate])
    made = replace(measured(steps=steps, started=at), id=uuid7(at), cycle=uuid7(at))
    return [made, replace(made, id=uuid7(at), vantage=CONTROL, origin=CONTROL.id)]


def judged(trial: Measurement, outcome: str = "ok") -> Verdict:
    at = trial.started + timedelta(seconds=30)
    return verdict(outcome=outcome, id=uuid7(at), at=at, cycle=trial.cycle, evidence=(trial.id,))


def write(root: Path, days: int = 2, each: int = 3) -> None:
    """A few cycles on each day from ``DAY`` on, their verdicts, and an event a day."""
    with Journal(root) as journal:
        for day in range(days):
            start = DAY + timedelta(days=day)
            for number in range(each):
                fails = number == 1
                made = cycle(start + timedelta(hours=number), fails=fails)
                for one in made:
                    journal.measurement(one)
                journal.verdict(judged(made[0], "unreachable" if fails else "ok"))
            journal.event(Event(at=start, event="health", vantage=HERE.id, detail={"day": day}))


def append(path: Path, *lines: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.writelines(lines)


def lines(records: Iterable[Measurement | Verdict | Event]) -> bytes:
    return b"".join(map(encode, records))


def seen(root: Path) -> tuple[list[Measurement], list[Verdict], list[Event]]:
    """Everything that is there; fails if something could not be read."""
    report = ScanReport()
    found = (
        list(measurements(root, report=report)),
        list(verdicts(root, report=report)),
        list(events(root, report=report)),
    )
    assert report == ScanReport()
    return found


def sealed(root: Path, now: datetime = LATER) -> Sealing:
    with sealing_alone(root):
        return seal(root, now)
