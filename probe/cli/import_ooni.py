"""Import OONI's public measurements (JSON Lines, also compressed by gzip) into the results.

Each record becomes measurements of our form and is judged by our own rules, so that a report can
be held against public data where there was no vantage of one's own. Importing twice changes
nothing. What cannot be read is counted and listed.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from probe.cli.main import Usage
from probe.core.model import VANTAGE, Measurement, Verdict
from probe.core.times import utc_day

if TYPE_CHECKING:
    from probe.judge.policy import Policy
    from probe.record.journal import Journal
    from probe.record.ooni import Found, Malformed

LISTED: Final = 20  # malformed records that are named one by one
_TOGETHER: Final = timedelta(days=1)  # within which failures of one network confirm each other
_REMEMBERED: Final = 20_000  # targets whose last failures are held
# How many of a messenger's hosts must answer: OONI's tests ask others than the catalogue has. Any
# data centre suffices, as there, so that its verdicts are not outdone. The delivery nodes of
# facebook-messenger are many and move, so one that is gone says nothing.
_POLICIES: Final = {
    ("telegram", "text"): "any",
    ("telegram", "web"): "all",
    ("signal", "text"): "all",
    ("signal", "media"): "any",
    ("signal", "calls"): "all",
    ("facebook-messenger", "text"): "all",
    ("facebook-messenger", "media"): "any",
    ("facebook-messenger", "web"): "all",
    ("facebook-messenger", "calls"): "all",
}
_ONE_TARGET: Final = {("telegram", "web")}


def import_measurements(files: Sequence[Path], results: Path, *, quiet: bool) -> int:
    """Import files into a results folder; 0 when something could be read, else Usage is raised."""
    for path in files:
        if not path.is_file():
            what = "is no file" if path.exists() else "does not exist"
            raise Usage(f"'{path}' {what}")

    from probe.record.disk import ResultsError
    from probe.record.journal import Journal

    try:
        with Journal(results) as journal:
            done = _Import(journal)
            with _progress(visible=not quiet) as moved:
                for path in files:
                    done.file(path, moved)
    except ResultsError as exc:
        raise Usage(str(exc)) from exc
    _tell(done, quiet=quiet)
    return 0


@dataclass
class _Import:
    """Writes what is new, and counts."""

    journal: "Journal"
    records: int = 0
    written: int = 0
    known: int = 0
    malformed: list[tuple[Path, "Malformed"]] = field(default_factory=list)
    bad: int = 0
    _earlier: OrderedDict[tuple[str, str], tuple[Measurement, ...]] = field(
        default_factory=OrderedDict
    )

    def __post_init__(self) -> None:
        from probe.plan.knowledge import shipped_knowledge
        from probe.record.ooni.stored import Stored

        self._stored = Stored(self.journal.root)
        self._knowledge = shipped_knowledge()
        self._catalogue, self._policies, self._single = _catalogue()

    def file(self, path: Path, moved: Callable[[int], None]) -> None:
        """Import one file."""
        from probe.checks.certificate import describe
        from probe.record.ooni import Malformed, read_ooni, record_lines

        line = 0
        try:
            for item in read_ooni(record_lines(path), catalogue=self._catalogue, describe=describe):
                line = item.line
                if isinstance(item, Malformed):
                    self._note(path, item)
                else:
                    self.records += 1
                    self._take(item)
                moved(self.records)
        except (OSError, ValueError) as exc:
            from probe.record.disk import ResultsError

            if isinstance(exc, ResultsError):
                raise
            self._note(path, Malformed(line=line + 1, reason=str(exc)))

    def _note(self, path: Path, item: "Malformed") -> None:
        self.bad += 1
        if len(self.malformed) < LISTED:
            self.malformed.append((path, item))

    def _take(self, found: "Found") -> None:
        from probe.judge.covered import covered
        from probe.judge.deciding import deciding
        from probe.record.parts import MEASUREMENTS

        made = [replace(m, covered=covered(deciding(m))) for m in found.measurements]
        day = utc_day(found.measurements[0].started)
        new = [m for m in made if self._stored.add(m.id, MEASUREMENTS, day)]
        self.known += len(made) - len(new)
        for data in found.objects.values() if new else ():
            self.journal.objects.put(data)
        for measurement in new:
            self.journal.measurement(measurement)
            self.written += 1
        self._judge(found, made)

    def _judge(self, found: "Found", made: list[Measurement]) -> None:
        from probe.record.ooni.identity import identity

        beside = [m for m in made if m.origin != VANTAGE or m.role == "anchor"]
        by_feature: dict[tuple[str, str], list[Verdict]] = {}
        for trial in made:
            if trial.origin != VANTAGE or trial.role != "target":
                continue
            verdict = self._verdict(trial, beside, found)
            verdict = replace(verdict, id=identity(found.ended, trial.id, "verdict"))
            self._give(verdict)
            by_feature.setdefault((trial.target.service, trial.target.feature), []).append(verdict)
        for key, verdicts in by_feature.items():
            policy = self._policies.get(key)
            several = found.test in _MESSENGER_TESTS or key in self._single
            if policy is not None and several:
                self._give(_of_feature(policy, verdicts, found.ended))

    def _verdict(self, trial: Measurement, beside: list[Measurement], found: "Found") -> Verdict:
        """Failures of the same target in the same network within a day confirm each other."""
        from probe.judge import conditions as when
        from probe.judge.evidence import TRIALS, Evidence
        from probe.judge.verdict import judge

        key = (trial.vantage.id, trial.target.id)
        last = tuple(
            m
            for m in self._earlier.get(key, ())
            if trial.started - _TOGETHER <= m.started < trial.started
        )
        failed = when.failed(Evidence(trials=(trial,)))
        trials = (*last, trial) if failed else (trial,)
        evidence = Evidence.of(
            (*trials, *beside),
            target=trial.target.id,
            bodies=found.objects,
            knowledge=self._knowledge,
        )
        if not failed:
            self._earlier.pop(key, None)
        elif trial.invalid is None:
            self._earlier[key] = trials[-(TRIALS - 1) :]
            self._earlier.move_to_end(key)
            if len(self._earlier) > _REMEMBERED:
                self._earlier.popitem(last=False)
        return judge(evidence, found.ended)

    def _give(self, verdict: Verdict) -> None:
        from probe.record.parts import JUDGED

        if self._stored.add(verdict.id, JUDGED, utc_day(verdict.at)):
            self.journal.verdict(verdict)


def _of_feature(policy: "Policy", verdicts: list[Verdict], at: datetime) -> Verdict:
    from probe.judge.feature import judge_feature
    from probe.record.ooni.identity import identity

    verdict = judge_feature(policy, verdicts, at)
    return replace(verdict, id=identity(at, verdict.cycle, verdict.service, verdict.feature))


def _catalogue() -> tuple[
    dict[str, tuple[str, str]], "dict[tuple[str, str], Policy]", set[tuple[str, str]]
]:
    """Of the shipped services: whose a host is, how many must answer, and which features have a
    single target."""
    from urllib.parse import urlsplit

    from probe.judge.policy import Policy
    from probe.plan.catalogue import names, service

    hosts: dict[str, set[tuple[str, str]]] = {}
    policies = {key: Policy.parse(text) for key, text in _POLICIES.items()}
    single = set(_ONE_TARGET)
    for shipped in map(service, names()):
        for name, feature in shipped.features.items():
            urls = [url for group in feature.targets for url in group.expanded()]
            policies.setdefault((shipped.id, name), feature.policy)
            if len(urls) == 1 and (shipped.id, name) not in _POLICIES:
                single.add((shipped.id, name))
            for url in urls:
                hosts.setdefault(urlsplit(url).hostname or "", set()).add((shipped.id, name))
    # A host of several features says nothing about either alone.
    known = {host: next(iter(keys)) for host, keys in hosts.items() if len(keys) == 1}
    return known, policies, single


_MESSENGER_TESTS: Final = {"whatsapp", "telegram", "signal", "facebook_messenger"}


@contextmanager
def _progress(*, visible: bool) -> Iterator[Callable[[int], None]]:
    """A count that moves, on standard error, where that is a terminal."""
    if not visible or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed} records"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda count: bar.update(task, completed=count)


def _tell(done: _Import, *, quiet: bool) -> None:
    from probe.show.terminal import safe

    listed = [f"{path}:{item.line} {item.reason}" for path, item in done.malformed]
    if not done.records:
        raise Usage(f"nothing could be read ({listed[0]})" if listed else "there are no records")
    known = f", {done.known} stored already" if done.known else ""
    first = f" (first: {listed[0]})" if listed else ""
    text = f"{done.written} measurements of {done.records} records{known}, {done.bad} malformed"
    print(safe(text + first))
    if quiet:
        return
    for line in listed:
        print(safe(line), file=sys.stderr)
    if done.bad > len(listed):
        print(f"and {done.bad - len(listed)} more", file=sys.stderr)
