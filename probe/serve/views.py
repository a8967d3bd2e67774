"""What each page shows, read from memory where it can be and from the files where it must.

Each of these runs on a thread. What one reads of the files is bounded: an hour's verdicts, and of
the measurements those of one verdict.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from probe.core.model import Event, Vantage, Verdict
from probe.judge.explain import explain
from probe.judge.knowledge import Knowledge
from probe.record.codec import decode_verdict, encode
from probe.record.find import measurements_near
from probe.record.follow import lines
from probe.record.scan import ScanReport, verdicts
from probe.serve.board import Board, Row, Window
from probe.serve.history import History
from probe.serve.pages import detail, others, overview
from probe.serve.pages.cells import tomorrow
from probe.serve.pages.frame import notice
from probe.serve.pages.measurement import measurement_page
from probe.serve.selection import Selection, Wrong, moment_of
from probe.serve.track import HOUR, Key
from probe.show.evidence import Bodies, evidence_of, named
from probe.show.report.markup import Markup

DAY: Final = 86400
HOURS: Final = 24  # columns of the day
DAYS: Final = 30  # columns of the month
EVIDENCE: Final = 300  # measurements of one verdict
_MEMBERS: Final = 200  # targets of one feature's verdict


class NotThere(LookupError):  # noqa: N818  (it is an answer)
    """What was asked for is not, or no longer, in the results; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A page's parts. ``unread`` counts the days that are still being read."""

    title: str
    parts: Sequence[Markup]
    refreshes: bool = False
    unread: int = 0
    notices: Sequence[Markup] = ()


class Views:
    """Makes the pages of one results folder."""

    def __init__(
        self,
        root: Path,
        history: History,
        knowledge: Callable[[], Knowledge],
        now: Callable[[], datetime],
    ) -> None:
        """``knowledge`` is read when a verdict is explained; ``now`` is the wall clock."""
        self._root = root
        self._history = history
        self._knowledge = knowledge
        self._now = now

    def hours(self, query: Mapping[str, str]) -> View:
        """How everything stands, and its last 24 hours."""
        now, until = self._moments(query)
        end = -(-until // HOUR) * HOUR
        return self._overview(query, Window(end, HOURS), now, until)

    def month(self, query: Mapping[str, str]) -> View:
        """The last 30 days."""
        now, until = self._moments(query)
        end = tomorrow(until - 1)
        return self._overview(query, Window(end, DAYS, DAY), now, until)

    def feature(self, query: Mapping[str, str]) -> View:
        """One feature at one vantage."""
        selection = Selection.of(query)
        if not (selection.vantage and selection.service and selection.feature):
            raise Wrong("name a vantage, a service and a feature")
        now, until = self._moments(query)
        hours = Window(-(-until // HOUR) * HOUR, HOURS)
        month = Window(tomorrow(until - 1), DAYS, DAY)
        key = Key(selection.vantage, selection.service, selection.feature, None)
        self._history.want(month.days())
        with self._history.lock:
            board = Board(self._history, month.days())
            rows = board.row(key, hours, until), board.row(key, month, until)
            targets = board.targets(key)
            shown = [board.row(target, hours, until) for target in targets[: detail.TARGETS]]
            unread = board.missing
        left_out = len(targets) - len(shown)
        return View(
            title=f"{key.service} {key.feature}",
            refreshes=until >= now,
            parts=detail.feature_page(
                key, rows, shown, left_out, (hours, month), until, now=until >= now
            ),
            unread=unread,
            notices=self._notices(unread, DAYS),
        )

    def hour(self, query: Mapping[str, str], hour: datetime) -> View:
        """The verdicts of an hour."""
        selection = Selection.of(query)
        found = [v for v in self._verdicts(hour) if selection.holds_verdict(v)]
        found.sort(key=lambda verdict: verdict.at)
        shown = found[: detail.VERDICTS]
        parts = detail.hour_page(hour, selection.asked(), shown, len(found))
        return View(title=f"{hour:%d %B, %H:%M}", parts=parts)

    def verdict(self, hour: datetime, id_: str) -> View:
        """One verdict with its evidence, and why it is what it is."""
        near = self._verdicts(hour)
        verdict = next((one for one in reversed(near) if one.id == id_), None)
        if verdict is None:
            raise NotThere("there is no such verdict in that hour, or its file is gone")
        members: list[Verdict] = []
        if verdict.target is None:
            members = self._members(verdict, hour, near)
        found = measurements_near(self._root, named(verdict)[:EVIDENCE], [verdict.at])
        evidence = None
        if len(named(verdict)) <= EVIDENCE:
            evidence = evidence_of(verdict, found, Bodies(self._root), self._knowledge())
        chain = explain(verdict, evidence) if evidence else None
        order = [found[one] for one in dict.fromkeys(named(verdict)) if one in found]
        of = verdict.target or f"{verdict.service} {verdict.feature}"
        parts = detail.verdict_page(hour, verdict, chain, order, members)
        return View(title=f"{of}: {verdict.outcome}", parts=parts)

    def measurement(self, hour: datetime, id_: str) -> View:
        """One measurement with its steps."""
        found = measurements_near(self._root, [id_], [hour]).get(id_)
        if found is None:
            raise NotThere("there is no such measurement, or its file is gone")
        return View(title=f"{found.target.id}: {found.check}", parts=measurement_page(hour, found))

    def measurement_json(self, hour: datetime, id_: str) -> bytes:
        """The same as it was recorded."""
        found = measurements_near(self._root, [id_], [hour]).get(id_)
        if found is None:
            raise NotThere("there is no such measurement, or its file is gone")
        return encode(found)

    def events(self, query: Mapping[str, str]) -> View:
        """What happened to the probe."""
        self._history.want(())
        found = self._history.diary.events()
        kinds = sorted({event.event for event in found})[:30]
        only = query.get("event") or None
        shown = [event for event in found if only in {None, event.event}]
        return View(
            title="Events",
            parts=others.events_page(shown, kinds, only),
            refreshes=True,
            notices=self._notices(0, 0),
        )

    def downloads(self, query: Mapping[str, str]) -> View:
        """What can be taken along."""
        now = self._now()
        since = query.get("since") or f"{now - timedelta(days=1):%Y-%m-%d}"
        until = query.get("until") or f"{now + timedelta(days=1):%Y-%m-%d}"
        parts = others.downloads_page(since, until, Selection.of(query).asked())
        return View(title="Downloads", parts=parts)

    def _moments(self, query: Mapping[str, str]) -> tuple[float, float]:
        """The present, and the moment until which is looked: the present, or an earlier one."""
        now = self._now().timestamp()
        if not query.get("until"):
            return now, now
        return now, min(moment_of(query["until"]).timestamp(), now)

    def _overview(
        self,
        query: Mapping[str, str],
        window: Window,
        now: float,
        until: float,
    ) -> View:
        selection = Selection.of(query)
        # The month is read in any case: it tells since when things are as they are.
        days = Window(tomorrow(until - 1), DAYS, DAY).days()
        self._history.want(days)
        with self._history.lock:
            board = Board(self._history, days)
            keys = [key for key in board.features() if selection.holds_key(key)]
            standing = {key: board.standing(key, until) for key in keys}
            order = sorted(keys, key=lambda key: Row(key, (), standing[key]).weight)
            page = _page(query.get("page"), len(order))
            first = page * overview.ROWS
            shown = [board.row(key, window, until) for key in order[first : first + overview.ROWS]]
            vantages = self._vantages(board)
            bad = sum(day.bad for day in board.days.values() if day is not None)
            unread = board.missing
        newest = None
        if not any(found for found in standing.values()):
            newest = self._newest()
        about = overview.Overview(
            rows=shown,
            total=len(order),
            page=page,
            window=window,
            now=now,
            until=until,
            counts=overview.standings(standing.values()),
            vantages=vantages,
            asked={**selection.asked(), "until": query.get("until")},
            newest=newest,
            bad=bad,
        )
        return View(
            title="30 days" if window.step > HOUR else "Now and 24 hours",
            parts=overview.overview(about),
            refreshes=until >= now,
            unread=unread,
            notices=self._notices(unread, len(days)),
        )

    def _vantages(self, board: Board) -> list[tuple[str, Vantage | None, Event | None]]:
        known: dict[str, Vantage] = {}
        for day in board.days.values():
            if day is not None:
                known.update(day.vantages)
        health = self._history.diary.health
        return [(name, known[name], health(name)) for name in islice(sorted(known), 50)]

    def _notices(self, unread: int, days: int) -> list[Markup]:
        said = []
        if not self._root.is_dir():
            said.append(notice("There is no results folder any more."))
        elif self._history.trouble:
            said.append(notice(f"The results cannot be read: {self._history.trouble[:300]}."))
        if unread:
            said.append(
                notice(
                    f"Results are being read: {days - unread} of {days} days so far, the newest "
                    "first. What is not read yet is told apart from what was not measured."
                )
            )
        return said

    def _newest(self) -> float | None:
        day = self._history.newest()
        return (
            None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
        )

    def _verdicts(self, hour: datetime) -> list[Verdict]:
        """The verdicts of an hour; of several on one thing the one that was written last."""
        self._history.want([hour.date()], wait=1.0)
        places = self._history.place(hour)
        end = hour + timedelta(hours=1)
        found: Iterable[Verdict]
        if places is None:
            found = verdicts(self._root, hour, end)
        else:
            found = (
                one
                for path, first, last in places
                for _, _, one in lines(path, first, last, decode_verdict, ScanReport())
                if hour <= one.at < end
            )
        newest: dict[tuple[str, str | None, str, str], Verdict] = {}
        for one in found:
            newest[one.cycle, one.target, one.service, one.feature] = one
        return list(newest.values())

    def _members(self, feature: Verdict, hour: datetime, near: Sequence[Verdict]) -> list[Verdict]:
        """The targets' verdicts that a feature's was drawn from: of this hour or the one before."""
        firsts = set(feature.evidence)
        found = [*self._verdicts(hour - timedelta(hours=1)), *near]
        return [
            one for one in found if one.target is not None and firsts.intersection(one.evidence[:1])
        ][:_MEMBERS]


def _page(text: str | None, rows: int) -> int:
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 7):
        return 0
    return min(int(text), max(rows - 1, 0) // overview.ROWS)
