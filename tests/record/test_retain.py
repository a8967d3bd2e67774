"""probe.record.retain: results end somewhere, and nothing is deleted that should not be."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.history import DAY, append, cycle, lines, sealed, seen, write

from probe.record.journal import Journal
from probe.record.objects import Objects
from probe.record.parts import KINDS, days
from probe.record.retain import Limits, Removal, retain

NOW = DAY + timedelta(days=10, hours=3)


def kept(root: Path) -> list[str]:
    return sorted({day[-2:] for kind in KINDS for day in days(root, kind)})


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    """Ten sealed days, 18 to 27."""
    write(tmp_path, days=10, each=2)
    sealed(tmp_path, NOW)
    return tmp_path


def used(root: Path, name: str, at: datetime) -> Path:
    path = root / "objects" / name
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def test_without_limits_nothing_is_deleted(ten: Path) -> None:
    before = seen(ten)
    assert retain(ten, NOW + timedelta(days=9999), Limits()).days == []
    assert seen(ten) == before


def test_days_beyond_their_age_go_whole(ten: Path) -> None:
    done = retain(ten, NOW, Limits(keep=timedelta(days=4)))
    assert done.days == [f"2017-07-{day}" for day in range(18, 23)]
    assert kept(ten) == ["23", "24", "25", "26", "27"]
    assert done.freed > 0
    assert done.trouble == []
    measured, given, happened = seen(ten)
    assert {one.started.day for one in measured} == set(range(23, 28))
    assert {one.at.day for one in given} == set(range(23, 28))
    assert {one.at.day for one in happened} == set(range(23, 28))
    assert retain(ten, NOW, Limits(keep=timedelta(days=4))).days == []


def test_a_clock_that_jumped_ahead_deletes_next_to_nothing(ten: Path) -> None:
    done = retain(ten, NOW + timedelta(days=3650), Limits(keep=timedelta(days=9)))
    assert done.days == ["2017-07-18"]


def test_what_is_not_sealed_is_never_deleted(tmp_path: Path) -> None:
    write(tmp_path, days=3)
    before = seen(tmp_path)
    assert retain(tmp_path, NOW, Limits(timedelta(days=1), 1)).days == []
    assert seen(tmp_path) == before
    sealed(tmp_path, NOW)
    late = cycle(DAY)
    append(tmp_path / "2017-07-18.jsonl", lines(late))
    assert len(retain(tmp_path, NOW, Limits(size=1)).days) == 3
    assert seen(tmp_path) == (late, [], [])


def test_a_part_that_does_not_count_yet_is_no_sealed_day(tmp_path: Path) -> None:
    """A sealing that was killed just before its original went."""
    write(tmp_path, days=1)
    before = seen(tmp_path)
    original = (tmp_path / "2017-07-18.jsonl").read_bytes()
    sealed(tmp_path, NOW)
    (tmp_path / "2017-07-18.0001.jsonl").write_bytes(original)
    retain(tmp_path, NOW, Limits(size=1))
    assert seen(tmp_path)[0] == before[0]


def test_the_oldest_go_until_the_rest_fits(ten: Path) -> None:
    total = retain(ten, NOW, Limits()).left
    done = retain(ten, NOW, Limits(size=total * 6 // 10))
    assert done.days == [f"2017-07-{day}" for day in range(18, 18 + len(done.days))]
    assert done.left <= total * 6 // 10
    assert 3 <= len(done.days) <= 5


def test_objects_go_with_the_last_measurement_that_names_them(tmp_path: Path) -> None:
    store = Objects(tmp_path)
    names = [store.put(text) for text in (b"old", b"both", b"new", b"open", b"nobody's")]
    with Journal(tmp_path) as journal:
        for day, name in ((0, 0), (0, 1), (5, 1), (5, 2)):
            for one in cycle(DAY + timedelta(days=day), certificate=names[name]):
                journal.measurement(one)
        sealed(tmp_path, DAY + timedelta(days=7))
        for one in cycle(DAY + timedelta(days=8), certificate=names[3]):
            journal.measurement(one)
    for name in names:
        used(tmp_path, name, DAY)
    assert retain(tmp_path, NOW, Limits()).objects == 0  # used when the oldest day was measured
    done = retain(tmp_path, NOW, Limits(keep=timedelta(days=3)))
    assert (done.days, done.objects, done.trouble) == (["2017-07-18"], 2, [])
    left = {path.name for path in (tmp_path / "objects").iterdir()}
    assert left == {names[1], names[2], names[3]}


def test_an_object_in_use_again_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, days=1)
    sealed(tmp_path, NOW)
    store = Objects(tmp_path)
    first, second = store.put(b"needed at this moment"), store.put(b"written anew")
    real = Path.rename

    def rename(self: Path, to: Path) -> Path:
        if self.name == first:
            Objects(tmp_path).put(b"needed at this moment")  # finds it there and renews its date
        moved = real(self, to)
        if self.name == second:
            Objects(tmp_path).put(b"written anew")  # finds it gone
        return moved

    for name in (first, second):
        used(tmp_path, name, DAY - timedelta(days=30))
    monkeypatch.setattr(Path, "rename", rename)
    retain(tmp_path, NOW, Limits())
    assert store.get(first) == b"needed at this moment"
    assert store.get(second) == b"written anew"


def test_a_removal_that_was_killed_is_judged_again(tmp_path: Path) -> None:
    store = Objects(tmp_path)
    name = store.put(b"certificate")
    with Journal(tmp_path) as journal:
        journal.measurement(cycle(DAY, certificate=name)[0])
    path = used(tmp_path, name, DAY - timedelta(days=30))
    path.rename(path.with_name(f".{name}.old"))
    assert retain(tmp_path, NOW, Limits()).objects == 0
    assert store.get(name) == b"certificate"


def test_while_a_part_is_broken_no_object_is_deleted(ten: Path) -> None:
    name = Objects(ten).put(b"perhaps named in there")
    used(ten, name, DAY - timedelta(days=30))
    (ten / "sealed/measurements/day=2017-07-20/part-0001.parquet").write_bytes(b"broken")
    done = retain(ten, NOW, Limits())
    assert done.objects == 0
    assert len(done.trouble) == 1
    assert Objects(ten).get(name)


def test_an_object_that_is_used_every_day_keeps_a_young_date(tmp_path: Path) -> None:
    name = Objects(tmp_path).put(b"leaf")
    path = used(tmp_path, name, DAY)
    Objects(tmp_path).put(b"leaf")
    assert path.stat().st_mtime > NOW.timestamp()


def test_an_empty_folder_is_no_trouble(tmp_path: Path) -> None:
    assert retain(tmp_path, NOW, Limits(timedelta(days=1), 1)) == Removal(left=0)
