"""probe.record.telling: what counts of a day's verdicts, however its lines are read."""

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.history import sealed
from support.reported import LAB, START, cycles

from probe.compare.collect import Collected, collect
from probe.compare.series import Series
from probe.core.model import Vantage, Verdict
from probe.record import alike_rows
from probe.record import telling as reading
from probe.record.codec import encode
from probe.record.scan import ScanReport, verdicts
from probe.record.telling import telling

HOUR = timedelta(hours=1)
OTHER = Vantage(id="lab-2", country="IR", network="mobile")
DAY = f"{START:%Y-%m-%d}"
GOOD = encode(next(iter(cycles("."))))
(TARGET,) = map(encode, cycles(".", target="t1"))


def day_file(root: Path, text: bytes) -> Path:
    (root / "verdicts").mkdir()
    path = root / "verdicts" / f"{DAY}.jsonl"
    path.write_bytes(text)
    return path


def told(
    root: Path, since: datetime | None = None, until: datetime | None = None
) -> tuple[Counter[tuple[object, ...]], ScanReport]:
    """How often what was said, and what could not be read."""
    report, found = ScanReport(), Counter[tuple[object, ...]]()
    for one in telling(root, DAY, since, until, report):
        assert one.times
        for at in one.times:
            vantage = one.vantage.id
            said = vantage, one.own, one.service, one.feature, one.outcome, one.mechanism, at
            found[said] += 1
    return found, report


def all_series(
    root: Path, since: datetime | None = None, until: datetime | None = None
) -> list[tuple[object, ...]]:
    collected, report = Collected(), ScanReport()
    for one in telling(root, DAY, since, until, report):
        collected.take(
            one.vantage,
            one.service,
            one.feature,
            one.outcome,
            one.mechanism,
            one.times,
            own=one.own,
        )
    assert report == ScanReport()
    return sorted(map(columns, collected.series()))


def columns(one: Series) -> tuple[object, ...]:
    mechanisms = [one.names[code] for code in one.mechanisms]
    return one.vantage.id, one.service, one.feature, list(one.times), one.outcomes, mechanisms


def mixed() -> list[Verdict]:
    """Features with verdicts of their own, early and few or late, and without."""
    found = [
        *cycles("x." * 30, START, target="t1"),
        *cycles(".b" * 30, START, target="t2"),
        *cycles(".x.", START + HOUR),
        *cycles("xb." * 20, START, target="t3", feature="text"),
        *cycles("x.x" * 20, START, target="t1", vantage=OTHER),
        *cycles("x.b" * 20, START, vantage=OTHER, feature="text", mechanism="tcp.timeout"),
        *cycles("x.b" * 20, START, target="t4", vantage=OTHER, feature="text"),
    ]
    found.sort(key=lambda one: one.at)
    return found


@pytest.mark.parametrize(
    ("text", "good", "bad", "unfinished"),
    [
        (GOOD * 3 + b"broken\n" + GOOD * 3, 6, 1, 0),
        (GOOD + b"\n" + GOOD.rstrip() + GOOD, 1, 2, 0),  # as many records as lines, yet not so
        (GOOD * 5 + GOOD.rstrip() + GOOD + b"\n" + GOOD, 6, 2, 0),
        (GOOD + GOOD[:-1], 1, 0, 1),
        (GOOD * 2 + GOOD[:40], 2, 0, 1),
        (GOOD * 3 + GOOD[:40] + b"\n" + GOOD, 4, 1, 0),
        (GOOD * 3 + GOOD.replace(b"T16", b"T36") + GOOD, 4, 1, 0),
        (GOOD * 3 + GOOD.replace(b'Z"', b' "', 1) + GOOD, 4, 1, 0),
        (GOOD * 3 + bytes(40) + GOOD[40:] + GOOD, 4, 1, 0),
        (GOOD * 3 + GOOD.replace(b'"ok"', b'"oq"') + GOOD, 4, 1, 0),
        (GOOD * 3 + GOOD.replace(b"\n", b"\r\n") + GOOD, 5, 0, 0),
        (GOOD + b"x" * 5000 + b"\n" + GOOD, 2, 1, 0),
        (GOOD + b"x" * 5000, 1, 0, 1),
        (b"", 0, 0, 0),
    ],
)
@pytest.mark.parametrize("at_once", [1, 2, 500])
@pytest.mark.parametrize("much", [100, 512 * 1024])
def test_however_many_are_read_at_once_each_line_counts_by_itself(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: bytes,
    good: int,
    bad: int,
    unfinished: int,
    at_once: int,
    much: int,
) -> None:
    monkeypatch.setattr(reading, "_AT_ONCE", at_once)
    monkeypatch.setattr(reading, "_MUCH", much)
    day_file(tmp_path, text)
    found, report = told(tmp_path)
    assert (found.total(), report.bad, report.unfinished) == (good, bad, unfinished)


def test_a_bad_line_is_told_by_its_own_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_AT_ONCE", 2)
    day_file(tmp_path, GOOD * 7 + b"broken\n" + GOOD * 2)
    found, report = told(tmp_path)
    assert found.total() == 9
    assert [one.line for one in report.examples] == [8]


def test_a_line_that_was_cut_off_is_told_also_where_it_would_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_AT_ONCE", 1)
    day_file(tmp_path, GOOD + TARGET * 3 + TARGET[:-20] + b"\n" + TARGET)
    found, report = told(tmp_path)
    assert sorted(own for _, own, *_ in found.elements()) == [False, True]  # the first: learnt from
    assert report.bad == 1


@pytest.mark.parametrize("at_once", [1, 4, 500])
@pytest.mark.parametrize("hours", [0, 1, 3, 30])
def test_what_is_left_out_changes_no_series(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, hours: int
) -> None:
    monkeypatch.setattr(reading, "_AT_ONCE", at_once)
    day_file(tmp_path, b"".join(map(encode, mixed())))
    bounds = START + hours * HOUR, START + 8 * HOUR
    whole = list(verdicts(tmp_path, *bounds))
    wanted = sorted(map(columns, collect(whole)))
    assert all_series(tmp_path, *bounds) == wanted
    if hours == 0 and at_once == 4:
        assert told(tmp_path)[0].total() < 0.8 * len(whole)
    sealed(tmp_path)
    assert all_series(tmp_path, *bounds) == wanted
    monkeypatch.setattr(alike_rows, "_AT_ONCE", at_once)  # in as many pieces
    assert all_series(tmp_path, *bounds) == wanted


def test_packed_no_verdict_is_read_whose_feature_speaks_for_itself(tmp_path: Path) -> None:
    day_file(tmp_path, b"".join(map(encode, mixed())))
    sealed(tmp_path)
    found, report = told(tmp_path)
    spoken = {said[:4] for said in found if said[1]}
    assert spoken == {
        ("lab-1", True, "whatsapp", "media"),
        ("lab-2", True, "whatsapp", "text"),
    }
    assert {said[:4] for said in found} - spoken == {
        ("lab-1", False, "whatsapp", "text"),
        ("lab-2", False, "whatsapp", "media"),
    }
    assert report == ScanReport()


def test_what_differs_behind_the_window_is_told_apart(tmp_path: Path) -> None:
    """Mechanisms that agree in more bytes than the window reaches."""
    long = "tls." + "x" * 200
    made = [
        one
        for number in range(6)
        for one in cycles("b", START + number * HOUR, mechanism=f"{long}{number % 2}")
    ]
    day_file(tmp_path, GOOD * 3 + b"".join(map(encode, made)))
    found, _ = told(tmp_path)
    said = Counter(mechanism for *_, mechanism, _ in found.elements())
    assert said == {None: 3, f"{long}0": 3, f"{long}1": 3}


def test_identifiers_of_other_lengths_are_no_trouble(tmp_path: Path) -> None:
    made = [
        replace(one, id="i" * (1 + number % 5), cycle="c" * (number % 3))
        for number, one in enumerate(mixed())
    ]
    day_file(tmp_path, b"".join(map(encode, made)))
    assert all_series(tmp_path) == sorted(map(columns, collect(made)))


def test_any_mixture_gives_the_series_that_whole_verdicts_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(7)
    monkeypatch.setattr(reading, "_AT_ONCE", 3)
    made = mixed()
    for number in range(40):
        rng.shuffle(made)
        root = tmp_path / str(number)
        root.mkdir()
        some = made[: rng.randrange(len(made))]
        day_file(root, b"".join(map(encode, some)))
        assert all_series(root) == sorted(map(columns, collect(some)))


def test_a_part_that_is_broken_is_told_once(tmp_path: Path) -> None:
    day_file(tmp_path, GOOD)
    sealed(tmp_path)
    (part,) = tmp_path.rglob("*.parquet")
    part.write_bytes(part.read_bytes()[:-10])
    found, report = told(tmp_path)
    assert not found
    assert report.bad == 1
    assert "broken" in report.examples[0].reason


def test_rejected_lines_are_told_again(tmp_path: Path) -> None:
    day_file(tmp_path, GOOD + b"broken\n" + GOOD)
    assert sealed(tmp_path).rejected == 1
    found, report = told(tmp_path)
    assert (found.total(), report.bad) == (2, 1)


def test_the_vantage_of_a_verdict_is_whole(tmp_path: Path) -> None:
    day_file(tmp_path, GOOD)
    (line,) = telling(tmp_path, DAY, None, None, ScanReport())
    sealed(tmp_path)
    (packed,) = telling(tmp_path, DAY, None, None, ScanReport())
    assert line.vantage == packed.vantage == LAB
    assert list(line.times) == list(packed.times) == [START.timestamp()]
