"""What the data says about reported disruptions: the answer to each, and what it rests on.

``docs/reports.md`` says in words what stands here in code. A claim that something fails is borne
out by one network on which it did. That it does not, takes much more: many would have to agree,
and they would have to be such as people use.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from probe.compare.alone import standing
from probe.compare.cells import Cell
from probe.compare.findings import Finding, State, find
from probe.compare.onset import Measured, measured
from probe.compare.reports import Report
from probe.compare.series import Series, matches, unplaced
from probe.compare.share import Share, share
from probe.compare.significance import adjusted, p_value, tally
from probe.compare.wording import Words, sentence

Word = Literal["supported", "contradicted", "partly", "no_coverage", "inconclusive"]

NETWORKS: Final = 3  # that have to contradict a report that names none
CHANCE: Final = 0.1  # of the reports that are called supported so many may be so by chance
# Claims about what somebody intends or says: the data supports or contradicts one, or is silent.
_WHOLE: Final = frozenset({"announcement", "denial"})
_LEAST: Final = timedelta(days=1)
_MOST: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the data says about one report; ``docs/reports.md`` tells how each part is found.

    ``coverage``, the shares, ``effect``, ``p`` and ``q`` lie between 0 and 1 (``effect`` may be
    negative). ``onset`` and ``end`` are the measured ones; ``lag`` is in hours, earliest and
    latest. What is not known is null. ``networks`` are those that saw the report's window, each
    with what it saw.
    """

    report: str
    answer: Word
    coverage: float
    vantages: tuple[str, ...]
    before: Share
    during: Share
    after: Share
    effect: float | None
    p: float | None
    q: float | None
    onset_earliest: datetime | None
    onset_latest: datetime | None
    end_earliest: datetime | None
    end_latest: datetime | None
    lag: tuple[float, float] | None
    mechanisms: dict[str, int]
    networks: dict[str, str]
    sentence: str


def answers(
    reports: Sequence[Report], cells: Sequence[Cell], *, until: datetime
) -> tuple[Answer, ...]:
    """Hold every report against all cells.

    ``until`` closes the window of a report that has no end: now, or where the data was cut off.
    """
    held = [_Held(report, cells, until) for report in reports]
    chances = adjusted([one.p if one.report.expects == "fails" else None for one in held])
    return tuple(one.answer(q) for one, q in zip(held, chances, strict=True))


class _Held:
    """One report against the cells that bear on it."""

    def __init__(self, report: Report, cells: Sequence[Cell], until: datetime) -> None:
        self.report = report
        self.until = until
        self.window = report.window(until)
        self.cells = [cell for cell in cells if matches(report, cell.series[0])]
        self.unplaced = [cell for cell in cells if unplaced(report, cell.series[0])]
        start, end = _seconds(self.window)
        self.findings = [find(report, cell, (start, end)) for cell in self.cells if start < end]
        self.p = self._p((report.onset_earliest, report.onset_latest))

    def answer(self, q: float | None) -> Answer:
        start, end = self.window
        beside = min(max(end - start, _LEAST), _MOST)
        before = self._share(start - beside, start)
        during = self._share(start, end)
        after = self._share(end, end + beside) if self.report.end_latest else share(0, 0)
        seen = [one for one in self.findings if one.state == "as_claimed"]
        dates = measured(self.report, seen)
        word, why = self._word(q)
        mechanisms: Counter[str] = Counter()
        for cell in self.cells:
            for one in cell.series:
                mechanisms += one.failures(start, end)
        return Answer(
            report=self.report.id,
            answer=word,
            coverage=max((one.coverage for one in self.findings), default=0.0),
            vantages=tuple(sorted({one.vantage.id for cell in self.cells for one in cell.series})),
            before=before,
            during=during,
            after=after,
            effect=_effect(before.share, during.share),
            p=self.p,
            q=q,
            onset_earliest=dates.onset_earliest,
            onset_latest=dates.onset_latest,
            end_earliest=dates.end_earliest,
            end_latest=dates.end_latest,
            lag=dates.lag,
            mechanisms=dict(mechanisms.most_common()),
            networks=self._networks(),
            sentence=self._sentence(word, why, before, during, after, dates),
        )

    def _word(self, q: float | None) -> tuple[Word, str]:
        if not any(one.during.cycles for one in self.findings):
            return "no_coverage", ""
        if self.report.expects == "ok":
            return self._of_working()
        return self._of_failing(q)

    def _of_failing(self, q: float | None) -> tuple[Word, str]:
        if not self._in("as_claimed"):
            refuted = self._refuted({"worked", "otherwise"})
            return ("contradicted", "") if refuted else ("inconclusive", self._why_not())
        seen = standing(self.findings)
        if not seen:
            return "inconclusive", "alone"
        dated = [one for one in seen if not one.dates]
        # Verdicts behind which a control stands are no noise, whenever they were given.
        if dated and q is not None and q > CHANCE:
            return "inconclusive", "chance"
        parts = self._parts(seen, dated)
        if not parts:
            return "supported", ""
        if self.report.kind in _WHOLE:
            return "inconclusive", parts
        return "partly", parts

    def _parts(self, seen: Sequence[Finding], dated: Sequence[Finding]) -> str:
        """What of the claim does not hold, in words; nothing where all of it does."""
        said = []
        if not dated:
            said.append(_DATES[seen[0].dates[0]])
        elif self.p is None:
            said.append("nothing was measured at other times")
        failing = {(one.cell.service, one.cell.feature) for one in seen}
        places = {one.cell.place for one in seen}
        worked = [one for one in self._in("worked") if one.tells_of_people]
        names = sorted({(one.cell.service, one.cell.feature) for one in worked} - failing)
        said += [f"{service} {feature} worked" for service, feature in names]
        elsewhere = {one.cell.place for one in worked} - places
        said += [f"on {place} it worked" for place in sorted(map(str, elsewhere))]
        return "; ".join(said)

    def _of_working(self) -> tuple[Word, str]:
        failed, untold = self._in("as_claimed"), self._in("untold", "otherwise")
        worked = [
            one
            for one in self._in("worked")
            if one.tells_of_people or one.cell.place.network in self.report.networks
        ]
        if failed:
            if self._refuted({"as_claimed"}) or (
                self.report.kind in _WHOLE and self._refuted({"as_claimed", "worked"})
            ):
                return "contradicted", ""
            if worked and self.report.kind not in _WHOLE:
                names = sorted({str(one.cell.place) for one in failed})
                return "partly", f"on {', '.join(names)} it failed"
            return "inconclusive", self._why_not()
        if worked and not untold:
            return "supported", ""
        return "inconclusive", self._why_not()

    def _refuted(self, states: set[State]) -> bool:
        """Whether enough networks that people use agree, as the contract asks."""
        if self.until <= self.report.onset_latest or self.report.region:
            return False  # what was announced need not have come yet, or was seen elsewhere
        people = [one for one in self.findings if one.tells_of_people]
        if any(one.covered and one.state not in states for one in people):
            return False
        places = {
            place
            for place in {one.cell.place for one in people}
            if self._complete([one for one in people if one.cell.place == place], states)
        }
        if self.report.asns:
            return set(self.report.asns) <= {place.asn for place in places}
        kinds = {kind for kind in self.report.networks if kind in {"residential", "mobile"}}
        if kinds:
            return kinds <= {place.network for place in places}
        return len(places) >= NETWORKS

    def _complete(self, findings: Sequence[Finding], states: set[State]) -> bool:
        """Whether a network saw every feature that the report names, nearly all of the time."""
        seen = {
            (one.cell.service, one.cell.feature)
            for one in findings
            if one.covered and one.state in states
        }
        services = self.report.services or {service for service, _ in seen}
        features = self.report.features or {feature for _, feature in seen}
        return bool(seen) and seen >= {(one, two) for one in services for two in features}

    def _why_not(self) -> str:
        if self._in("untold"):
            return "control"
        if self._in("otherwise"):
            return "otherwise"
        if self.until <= self.report.onset_latest:
            return "not due"
        if self.report.region:
            return "region"
        if not any(one.tells_of_people for one in self.findings if one.during.cycles):
            return "kind"
        return "coverage"

    def _in(self, *states: State) -> list[Finding]:
        return [one for one in self.findings if one.state in states]

    def _p(self, onset: tuple[datetime, datetime]) -> float | None:
        """The chance that such a report fits as well, with an onset within these."""
        data = tally(hour for cell in self.cells for hour in cell.hours)
        if data is None or not any(one.during.cycles for one in self.findings):
            return None
        return p_value(data, _seconds(self.window), _seconds(onset))

    def _networks(self) -> dict[str, str]:
        found: dict[str, set[str]] = {}
        for one in self.findings:
            found.setdefault(str(one.cell.place), set()).add(one.state.replace("_", " "))
        return {place: ", ".join(sorted(found[place])) for place in sorted(found)}

    def _share(self, start: datetime, end: datetime) -> Share:
        shares = [cell.share(start.timestamp(), end.timestamp()) for cell in self.cells]
        return share(sum(one.failed for one in shares), sum(one.cycles for one in shares))

    def _sentence(
        self, word: Word, why: str, before: Share, during: Share, after: Share, dates: Measured
    ) -> str:
        return sentence(
            Words(
                report=self.report,
                answer=word,
                why=why,
                window=self.window,
                matched=_series(self.cells),
                unplaced=_series(self.unplaced),
                before=before,
                during=during,
                after=after,
                onset=(dates.onset_earliest, dates.onset_latest),
                end=(dates.end_earliest, dates.end_latest),
            )
        )


_DATES: Final = {
    "earlier": "it began earlier than reported",
    "later": "it began later than reported",
    "shorter": "it ended earlier than reported",
    "longer": "it lasted longer than reported",
    "unseen": "when it began was not measured",
}


def _seconds(span: tuple[datetime, datetime]) -> tuple[float, float]:
    return span[0].timestamp(), span[1].timestamp()


def _series(cells: Iterable[Cell]) -> list[Series]:
    return [one for cell in cells for one in cell.series]


def _effect(before: float | None, during: float | None) -> float | None:
    return None if before is None or during is None else during - before
