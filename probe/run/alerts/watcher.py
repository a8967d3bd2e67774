"""Follows all features of a plan, and has somebody told when one changes."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, Self
from zoneinfo import ZoneInfo

from probe.core.model import Event, Verdict
from probe.core.strictyaml import ConfigError
from probe.judge.vantage import VantageState
from probe.net.clocks import Clock
from probe.plan.alerts import AlertsPlace
from probe.plan.jobs import Plan
from probe.record.disk import ResultsError
from probe.run.alerts import digest, wording
from probe.run.alerts.follow import Patience, follow
from probe.run.alerts.notifier import Notifier
from probe.run.alerts.sender import Sender
from probe.run.alerts.state import Day, Item, Lane, State, Subject, load, save
from probe.run.names import Names

_LOOK: Final = 60.0  # seconds between two looks whether the digest is due, and what has changed
_AWAY: Final = {VantageState.OFFLINE, VantageState.CAPTIVE, VantageState.INTERNATIONAL_PATH_DOWN}
# With no path abroad a service in the country may still be told.
_SILENT: Final = {VantageState.OFFLINE, VantageState.CAPTIVE}
_log = logging.getLogger("probe.run")


class Key(NamedTuple):
    """What is followed: a feature, or a target that is part of none."""

    service: str
    feature: str
    target: str | None


class Alerts:
    """A watcher; while its context is entered, it also sends. ``counts``: what came of messages.

    It never raises and never waits: what is sent, is sent by tasks and processes of its own.
    """

    def __init__(
        self,
        plan: Plan,
        clock: Clock,
        root: Path,
        notifier: Notifier,
        record: Callable[[Event], None],
    ) -> None:
        """Read what was remembered. ConfigError where the addresses cannot be read."""
        self._clock = clock
        self._root = root
        self._notifier = notifier
        self._record = record
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: dict[Sender | None, asyncio.Task[None]] = {}
        self._senders: list[Sender] = []
        self._running = False
        self._unsaved = False
        self._cannot_save = False
        self.counts = Counter({"sent": 0, "failed": 0, "dropped": 0})
        self._state = self._remembered()
        self._subjects: dict[Key, Subject] = {}
        assert plan.alerts is not None
        self._urls = plan.alerts.urls()
        self._follow(plan, plan.alerts)

    def planned(self, plan: Plan) -> None:
        """Follow this plan's features from now on; those that are gone are forgotten."""
        assert plan.alerts is not None  # a reload that switches them off is refused
        try:
            self._urls = plan.alerts.urls()
        except ConfigError as exc:
            _log.error("%s; the addresses of before are used", exc)
        self._follow(plan, plan.alerts)

    def due(self, target: str) -> None:
        """No news."""

    def started(self, target: str, lag: float) -> None:
        """No news."""

    def ended(self, target: str) -> None:
        """No news."""

    def measurement(self, measurement: object) -> None:
        """No news."""

    def verdict(self, verdict: Verdict) -> None:
        """Count it, and tell the change that it completes."""
        of_feature = Key(verdict.service, verdict.feature, None)
        key = of_feature if verdict.target is None else of_feature._replace(target=verdict.target)
        subject = self._subjects.get(key)
        if subject is None:
            return
        subject.tally[verdict.outcome] = subject.tally.get(verdict.outcome, 0) + 1
        self._unsaved = True
        standing = subject.standing
        before = (standing.told, standing.count, standing.failing)
        change = follow(standing, verdict, self._patience)
        if change is not None:
            name, now = self._named(key), self._clock.now()
            was = change.before or "not known"
            line = f"{wording.moment(verdict.at, self._zone)} {name}: "
            line += f"{was} → {wording.called(change)}" if change.kind != "steady" else "steady"
            digest.note_change(self._state.day, line)
            if change.kind != "muted":
                lines = wording.lines(change, self._zone, self._patience.within)
                self._tell(Item(at=now, headline=wording.headline(name, change), lines=lines))
        if before != (standing.told, standing.count, standing.failing):
            self._save()

    def event(self, event: Event) -> None:
        """Know when the vantage loses its network: nothing is sent until it is back."""
        if event.event == "health":
            self._health(VantageState(event.detail["state"]), event.at)
        elif event.event == "missed":
            self._state.day.missed += int(event.detail.get("slots", 1))
        elif event.event == "skipped":
            self._state.day.skipped += 1

    async def __aenter__(self) -> Self:
        """Begin to send."""
        self._running = True
        self._tasks[None] = asyncio.create_task(self._daily())
        self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop at once; what was not delivered is remembered."""
        self._running = False
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        self._save()

    def _remembered(self) -> State:
        try:
            found = load(self._root)
        except (OSError, ValueError) as exc:
            _log.error("alerts: what was remembered cannot be read, and is begun anew: %s", exc)
            found = None
        return found or State(day=Day(begin=self._clock.now()))

    def _follow(self, plan: Plan, place: AlertsPlace) -> None:
        self._names = Names(plan)
        self._vantage = plan.vantage.id
        self._place = place
        self._zone = ZoneInfo(place.timezone)
        self._patience = Patience(
            after=place.after, changes=place.flapping_changes, within=place.flapping_within
        )
        known = {Key(s.service, s.feature, s.target): s for s in self._state.subjects}
        self._subjects = {
            key: known.get(key)
            or Subject(service=key.service, feature=key.feature, target=key.target)
            for key in _keys(plan)
            if place.wants(key.service, key.feature)
        }
        self._state.subjects = list(self._subjects.values())
        if not plan.anchors:
            self._state.away = None
        self._address()

    def _address(self) -> None:
        """A sender for each address; one that stays keeps what waits for it."""
        lanes = self._state.lanes
        del lanes[len(self._urls) :]
        lanes += [Lane() for _ in range(len(self._urls) - len(lanes))]
        wanted = list(zip(self._urls, lanes, strict=True))
        if [(sender.url, sender.lane) for sender in self._senders] == wanted:
            return
        for sender in self._senders:
            if task := self._tasks.pop(sender, None):
                task.cancel()
        self._senders = [
            Sender(
                number, url, lane, self._notifier, self._clock, self._vantage,
                self._open, self._save, self._lost, self.counts,
            )
            for number, (url, lane) in enumerate(wanted, 1)
        ]  # fmt: skip
        self._start()

    def _start(self) -> None:
        for sender in self._senders if self._running else ():
            if sender not in self._tasks:
                self._tasks[sender] = asyncio.create_task(sender.run())

    def _named(self, key: Key) -> str:
        if key.target is not None:
            return wording.plain(self._names.targets[key.target].target)
        name = self._names.features[key.service, key.feature]
        return wording.plain(f"{name.service} {name.feature}")

    def _tell(self, item: Item) -> None:
        for sender in self._senders:
            sender.put(item)
        self._save()

    def _health(self, state: VantageState, at: datetime) -> None:
        held = state in _SILENT
        (self._open.clear if held else self._open.set)()
        if state in _AWAY:
            self._state.away = self._state.away or at
            self._state.away_as = state.value.replace("_", " ")
        elif self._state.away is not None:
            lasted = (at - self._state.away).total_seconds()
            self._state.day.away = digest.away(self._state, at)
            begin, self._state.away = self._state.away, None
            if lasted >= self._place.offline:
                ends = [wording.moment(end, self._zone) for end in (begin, at)]
                line = f"{self._state.away_as}, {ends[0]} to {ends[1]}: nothing was concluded"
                headline = f"the vantage was without a working network for {wording.span(lasted)}"
                self._tell(Item(at=at, headline=headline, lines=[line]))
        self._save()

    async def _daily(self) -> None:
        while True:
            now, at = self._clock.now(), self._place.digest
            if at and digest.next_digest(self._state.day.begin, at, self._zone) <= now:
                called = [(self._named(key), subject) for key, subject in self._subjects.items()]
                item = digest.digest(self._state, called, now, self._zone)
                self._state.day = Day(begin=now)
                for subject in self._subjects.values():
                    subject.tally.clear()
                self._tell(item)
            elif self._unsaved:
                self._save()
            await asyncio.sleep(_LOOK)

    def _lost(self, number: int, count: int, reason: str) -> None:
        detail = {"address": number, "messages": count, "reason": reason}
        now = self._clock.now()
        self._record(Event(at=now, event="alert_failed", vantage=self._vantage, detail=detail))

    def _save(self) -> None:
        self._unsaved = False
        try:
            save(self._root, self._state)
        except ResultsError as exc:
            if not self._cannot_save:
                _log.error("alerts: %s; after a restart something may be told again", exc)
            self._cannot_save = True
        else:
            self._cannot_save = False


def _keys(plan: Plan) -> Iterator[Key]:
    members = {target for feature in plan.features for target in feature.targets}
    yield from (Key(feature.service, feature.feature, None) for feature in plan.features)
    for job in plan.jobs:
        if job.target.id not in members:
            yield Key(job.target.service, job.target.feature, job.target.id)
