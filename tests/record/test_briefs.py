"""probe.record.briefs: of each verdict only what a comparison needs, and the same as all of it."""

from datetime import timedelta
from pathlib import Path

import pytest
from support.reported import START, cycles

from probe.compare.series import Series, collect
from probe.core.model import Vantage
from probe.record import briefs as reading
from probe.record.briefs import briefs, telling, verdict_days
from probe.record.codec import encode
from probe.record.scan import ScanReport, verdicts

DAY = timedelta(days=1)


def stored(root: Path, extra: bytes = b"") -> Path:
    folder = root / "verdicts"
    folder.mkdir()
    other = Vantage(id="lab-2", country="IR", network="mobile")
    lines = [*cycles("..xb?o", START), *cycles("b.", START, vantage=other, target="t1")]
    path = folder / f"{START:%Y-%m-%d}.jsonl"
    path.write_bytes(b"".join(map(encode, lines)) + extra)
    return path


def test_a_brief_says_the_same_as_the_verdict(tmp_path: Path) -> None:
    path = stored(tmp_path)
    whole = list(verdicts(tmp_path))
    brief = list(briefs(tmp_path, path.stem))
    names = ("at", "vantage", "target", "service", "feature", "outcome", "mechanism")
    assert [tuple(getattr(one, name) for name in names) for one in brief] == [
        tuple(getattr(one, name) for name in names) for one in whole
    ]
    assert len({id(one.vantage) for one in brief}) == 2


def test_only_verdicts_of_the_time_asked_for_are_given(tmp_path: Path) -> None:
    path = stored(tmp_path)
    minute = timedelta(minutes=10)
    assert len(list(briefs(tmp_path, path.stem, START + minute, START + 2 * minute))) == 2
    assert verdict_days(tmp_path, START + DAY, None) == []
    assert verdict_days(tmp_path, None, START + DAY) == [path.stem]


def test_a_line_that_is_no_verdict_is_counted_and_skipped(tmp_path: Path) -> None:
    good = encode(next(iter(cycles("."))))
    bad = [
        b"{}\n",
        b"[" * 5000 + b"\n",
        good.replace(b'"ok"', b'"fine"'),
        good.replace(b'"country":"CN"', b'"country":7'),
        good.replace(b'"vantage":{', b'"vantage":[],"x":{'),
        good.replace(b"Z", b"+08:00", 1),
        b"\xff\n",
    ]
    path = stored(tmp_path, b"".join(bad))
    report = ScanReport()
    assert len(list(briefs(tmp_path, path.stem, report=report))) == 8
    assert report.bad == len(bad)


GOOD = encode(next(iter(cycles("."))))


def day_file(root: Path) -> Path:
    (root / "verdicts").mkdir()
    return root / "verdicts" / f"{START:%Y-%m-%d}.jsonl"


@pytest.mark.parametrize(
    ("text", "good", "bad", "unfinished"),
    [
        (GOOD * 3 + b"broken\n" + GOOD * 3, 6, 1, 0),
        (GOOD + b"\n" + GOOD.rstrip() + GOOD, 1, 2, 0),  # as many records as lines, yet not so
        (GOOD + GOOD[:-1], 1, 0, 1),
        (GOOD * 2 + GOOD[:40], 2, 0, 1),
        (GOOD + b"x" * 5000 + b"\n" + GOOD, 2, 1, 0),
        (GOOD + b"x" * 5000, 1, 0, 1),
        (b"", 0, 0, 0),
    ],
)
@pytest.mark.parametrize("at_once", [1, 2, 500])
@pytest.mark.parametrize("long", [100, 512 * 1024])
def test_however_many_are_read_at_once_each_line_counts_by_itself(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: bytes,
    good: int,
    bad: int,
    unfinished: int,
    at_once: int,
    long: int,
) -> None:
    monkeypatch.setattr(reading, "_AT_ONCE", at_once)
    monkeypatch.setattr(reading, "_LONG", long)
    path = day_file(tmp_path)
    path.write_bytes(text)
    report = ScanReport()
    assert len(list(briefs(tmp_path, path.stem, report=report))) == good
    assert (report.bad, report.unfinished) == (bad, unfinished)


def test_a_bad_line_is_told_by_its_own_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_AT_ONCE", 2)
    path = day_file(tmp_path)
    path.write_bytes(GOOD * 7 + b"broken\n" + GOOD * 2)
    report = ScanReport()
    assert len(list(briefs(tmp_path, path.stem, report=report))) == 9
    assert [one.line for one in report.examples] == [8]


@pytest.mark.parametrize("at_once", [1, 4, 500])
@pytest.mark.parametrize("hours", [0, 3, 30])
def test_what_is_left_out_of_telling_verdicts_changes_no_series(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, hours: int
) -> None:
    monkeypatch.setattr(reading, "_AT_ONCE", at_once)
    other = Vantage(id="lab-2", country="IR", network="mobile")
    lines = [
        *cycles("x." * 30, START, target="t1"),
        *cycles(".b" * 30, START, target="t2"),
        *cycles("...", START + timedelta(hours=1)),  # the feature's own, early and few
        *cycles("xx" * 30, START, target="t3", feature="text"),
        *cycles("x.x" * 30, START, target="t1", vantage=other),
    ]
    path = day_file(tmp_path)
    lines.sort(key=lambda one: one.at)
    path.write_bytes(b"".join(map(encode, lines)))
    since, report = START + timedelta(hours=hours), ScanReport()
    told = list(telling(tmp_path, path.stem, since, None, report))
    whole = list(briefs(tmp_path, path.stem, since))
    assert [columns(one) for one in collect(told)] == [columns(one) for one in collect(whole)]
    if hours == 0 and at_once == 4:
        assert len(told) < 0.8 * len(whole)
    assert report.bad == 0


def columns(one: Series) -> tuple[object, ...]:
    return one.vantage, one.service, one.feature, list(one.times), one.outcomes


def test_a_line_that_was_cut_off_is_told_also_where_it_would_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_AT_ONCE", 1)
    (target,) = map(encode, cycles(".", target="t1"))
    path = day_file(tmp_path)
    path.write_bytes(GOOD + target * 3 + target[:-20] + b"\n" + target)
    report = ScanReport()
    assert [one.target for one in telling(tmp_path, path.stem, None, None, report)] == [None, "t1"]
    assert report.bad == 1
