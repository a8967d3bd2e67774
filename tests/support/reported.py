"""Reports and streams of verdicts in few words."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from probe.compare.answer import Answer
from probe.compare.collect import collect
from probe.compare.comparison import Comparison, compare
from probe.compare.reports import Report, parse
from probe.core.model import Control, Outcome, Vantage, Verdict

LAB = Vantage(id="lab-1", country="CN", asn=4134, network="residential")
START = datetime(2017, 7, 17, 16, tzinfo=UTC)  # 18 July begins in Shanghai
CYCLE = timedelta(minutes=10)

_OUTCOMES: dict[str, Outcome] = {
    ".": "ok",
    "x": "unreachable",
    "b": "blocked",
    "?": "inconclusive",
    "o": "offline",
    "i": "invalid",
}


def claim(**changes: Any) -> dict[str, Any]:
    """A report as a file holds it; a change to None takes the key away."""
    given = {
        "id": "whatsapp-media",
        "title": "Pictures fail",
        "country": "CN",
        "services": ["whatsapp"],
        "features": ["media"],
        "kind": "blocked",
        "expects": "fails",
        "timezone": "Asia/Shanghai",
        "onset_earliest": "2017-07-18",
        "onset_latest": "2017-07-18",
        "end_earliest": "2017-07-19",
        "end_latest": "2017-07-19",
        "status": "reported",
        "sources": [{"publisher": "The Paper", "date": "2017-07-18", "says": "It fails."}],
    }
    return {key: value for key, value in {**given, **changes}.items() if value is not None}


def report_file(*claims: dict[str, Any]) -> str:
    """The claims as a report file."""
    return yaml.safe_dump({"reports": list(claims)}, sort_keys=False, allow_unicode=True)


def reported(**changes: Any) -> Report:
    """One report, as it is read."""
    return parse(report_file(claim(**changes)), "reports.yaml")[0]


def cycles(
    pattern: str,
    start: datetime = START,
    *,
    every: timedelta = CYCLE,
    vantage: Vantage = LAB,
    service: str = "whatsapp",
    feature: str = "media",
    target: str | None = None,
    mechanism: str | None = "tls.reset",
) -> Iterator[Verdict]:
    """A verdict per letter: . ok, x unreachable, b blocked, ? inconclusive, o offline, i invalid.

    They are verdicts on the feature, unless a target is named.
    """
    for number, letter in enumerate(pattern):
        at = start + number * every
        yield Verdict(
            id=f"v-{number}",
            at=at,
            cycle=f"c-{number}",
            vantage=vantage,
            target=target,
            service=service,
            feature=feature,
            url=None,
            outcome=_OUTCOMES[letter],
            mechanism=None if letter == "." else mechanism,
            locus=None,
            rule="a-rule",
            rules=1,
            covered="response",
            control=Control(),
            evidence=(),
        )


def compared(verdicts: Iterable[Verdict], *reports: Report, until: datetime) -> Comparison:
    """The reports held against the verdicts."""
    return compare(reports, collect(verdicts), until=until)


def answered(verdicts: Iterable[Verdict], report: Report, *, until: datetime) -> Answer:
    """The answer to one report."""
    return compared(verdicts, report, until=until).answers[0]
