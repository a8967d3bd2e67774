"""The local page over results that a test writes: no socket, and a clock of its own."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from support.cases import RESET, control, evidence, trials
from support.records import verdict
from support.virtual import DAY

from probe.core.ids import uuid7
from probe.core.model import Measurement, Outcome, Vantage, Verdict
from probe.judge.evidence import Evidence
from probe.judge.knowledge import EMPTY
from probe.judge.verdict import judge
from probe.record.journal import Journal
from probe.serve.app import Serving, application
from probe.serve.history import History

NOW = DAY + timedelta(hours=12, minutes=30)  # half past noon on 18 July 2017
BASE = "http://127.0.0.1:8480"
LETTERS: dict[str, Outcome] = {
    ".": "ok",
    "b": "blocked",
    "d": "down",
    "o": "offline",
    "u": "unreachable",
    "?": "inconclusive",
}
HERE = Vantage(id="sh-1", country="CN", asn=4134, network="residential")


def verdicts(
    pattern: str,
    start: datetime,
    every: timedelta = timedelta(minutes=10),
    **more: Any,
) -> Iterator[Verdict]:
    """A verdict per letter; a space leaves one out."""
    for number, letter in enumerate(pattern):
        if letter != " ":
            at = start + number * every
            outcome = LETTERS[letter]
            how = "tls.reset.sni" if outcome == "blocked" else None
            given = {
                "at": at,
                "id": uuid7(at),
                "cycle": uuid7(at),
                "mechanism": how,
                "vantage": HERE,
                **more,
            }
            yield verdict(given.pop("target", None), outcome, **given)


def write(root: Path, given: Sequence[Verdict] | Iterator[Verdict]) -> None:
    """Append verdicts to a results folder."""
    with Journal(root) as journal:
        for one in given:
            journal.verdict(one)


def blocked(root: Path, at: datetime = DAY + timedelta(hours=1)) -> Verdict:
    """A blocked target with all that its verdict rests on, as a probe leaves it."""
    case = evidence(trials(RESET), **control())
    parts = ("trials", "anchors", "controls", "control_anchors", "followups")

    def real(found: Sequence[Measurement]) -> tuple[Measurement, ...]:
        return tuple(replace(m, id=uuid7(m.started)) for m in found)

    case = Evidence(
        **{
            name: real(getattr(case, name)) if name in parts else getattr(case, name)
            for name in Evidence.__dataclass_fields__
        }
    )
    given = judge(case, at)
    with Journal(root) as journal:
        for name in parts:
            for measurement in getattr(case, name):
                journal.measurement(measurement)
        journal.verdict(given)
    return given


@dataclass
class Steady:
    """A clock that only a test moves."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def days(last: date, number: int = 31) -> list[date]:
    """These UTC days, the last one included."""
    return [last - timedelta(days=back) for back in range(number)]


@asynccontextmanager
async def page(
    root: Path,
    *,
    now: datetime = NOW,
    token: str | None = None,
    steady: Steady | None = None,
    names: frozenset[str] = frozenset(),
    **more: Any,
) -> AsyncIterator[httpx.AsyncClient]:
    """The page, with everything read that it will show."""
    with History(root, fresh=0.0) as history:
        history.want(days(now.date()), wait=20)
        app = application(
            Serving(
                root=root,
                history=history,
                knowledge=lambda: EMPTY,
                now=lambda: now,
                steady=steady or Steady(),
                token=token,
                names=names,
            )
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE, **more) as client:
            yield client
