"""probe.record.find: single records, wherever they lie and whatever their ids look like."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.history import DAY, append, cycle, lines, sealed, write

from probe.cli.stored import members_of, newest_failure, verdict_called
from probe.record import find
from probe.record.find import measurements_by_id, moment_of
from probe.record.parts import MEASUREMENTS
from probe.record.scan import measurements, verdicts
from probe.record.sealed import rows


def test_the_moment_of_an_id_is_in_its_first_characters() -> None:
    one = cycle(DAY + timedelta(hours=5))[0].id
    assert moment_of(one) == DAY + timedelta(hours=5)
    near = moment_of(one[:8])
    assert near is not None
    assert timedelta(0) <= DAY + timedelta(hours=5) - near < timedelta(seconds=66)
    assert moment_of("fetched by hand") is None
    assert moment_of("") is not None  # 1970; nothing is there


@pytest.mark.parametrize("when", ["before", "after", "both"])
def test_measurements_are_found_by_id_sealed_or_not(tmp_path: Path, when: str) -> None:
    write(tmp_path, days=3)
    if when != "before":
        sealed(tmp_path, DAY + timedelta(days=2 if when == "both" else 9))
    every = {m.id: m for m in measurements(tmp_path)}
    some = dict(list(every.items())[::4])
    assert measurements_by_id(tmp_path, [*some, "no such id", "ffffffffffff"]) == some
    assert measurements_by_id(tmp_path, []) == {}


def test_ids_of_another_kind_or_far_from_their_day_are_found_too(tmp_path: Path) -> None:
    write(tmp_path)
    odd = replace(cycle(DAY)[0], id="made-by-hand")
    far = replace(cycle(DAY + timedelta(days=400))[0], started=DAY)
    append(tmp_path / "2017-07-18.jsonl", lines([odd, far]))
    sealed(tmp_path)
    assert measurements_by_id(tmp_path, [odd.id, far.id]) == {odd.id: odd, far.id: far}


def test_more_files_than_one_query_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "_FILES", 1)
    write(tmp_path, days=2, each=4)
    sealed(tmp_path)
    every = {m.id: m for m in measurements(tmp_path)}
    assert measurements_by_id(tmp_path, every) == every


def test_an_id_that_can_be_in_no_file_hides_no_other(tmp_path: Path) -> None:
    write(tmp_path, days=2)
    sealed(tmp_path)
    every = {m.id: m for m in measurements(tmp_path)}
    odd = ["\udce4", "\ud83d\ude00", "\0", "'; DROP TABLE x", "", "\U0010ffff" * 5000]
    assert measurements_by_id(tmp_path, [*odd, *every]) == every
    assert find.measurements_near(tmp_path, [*odd, *every], [DAY]) == every
    assert measurements_by_id(tmp_path, odd) == {}


@pytest.mark.parametrize("when", ["open", "sealed"])
def test_many_ids_of_strangers_are_searched_in_one_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    write(tmp_path, days=3)
    if when == "sealed":
        sealed(tmp_path)
    every = {m.id: m for m in measurements(tmp_path)}
    read: list[Path] = []

    def counted(query: str, files: Sequence[Path], *values: Any) -> Any:
        read.extend(files)
        return rows(query, files, *values)

    monkeypatch.setattr(find, "rows", counted)
    monkeypatch.setattr(find, "lines_of", lambda file, _: read.append(Path(file.name)) or file)
    strangers = [f"of a stranger {number}" for number in range(20_000)]
    assert measurements_by_id(tmp_path, [*strangers, *every]) == every
    assert len(read) == len(set(read)) == 3


def test_a_broken_part_hides_no_other(tmp_path: Path) -> None:
    write(tmp_path)
    sealed(tmp_path)
    every = {m.id: m for m in measurements(tmp_path)}
    (tmp_path / "sealed/measurements/day=2017-07-18/part-0001.parquet").write_bytes(b"broken")
    left = measurements_by_id(tmp_path, every)
    assert left == {id_: m for id_, m in every.items() if m.started.day == 19}
    assert left


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_verdict_is_found_by_every_id_that_leads_to_it(tmp_path: Path, when: str) -> None:
    write(tmp_path, days=3)
    if when == "after":
        sealed(tmp_path)
    for wanted in list(verdicts(tmp_path))[::3]:
        for id_ in (wanted.id, wanted.cycle, wanted.evidence[0]):
            assert verdict_called(tmp_path, id_) == wanted
    assert verdict_called(tmp_path, "01234567") is None
    assert verdict_called(tmp_path, "a cycle of no kind") is None
    failed = [v for v in verdicts(tmp_path) if v.outcome != "ok"]
    assert newest_failure(tmp_path) == failed[-1]


@pytest.mark.parametrize("when", ["before", "after"])
def test_ids_that_tell_no_time_are_looked_for_everywhere(tmp_path: Path, when: str) -> None:
    write(tmp_path, days=2)
    odd = replace(list(verdicts(tmp_path))[1], cycle="cycle-of-old", evidence=("trial-of-old",))
    append(tmp_path / "verdicts/2017-07-18.jsonl", lines([odd]))
    if when == "after":
        sealed(tmp_path)
    assert verdict_called(tmp_path, "cycle-of") == odd
    assert verdict_called(tmp_path, "trial-of") == odd
    feature = replace(odd, target=None, evidence=("trial-of-old",))
    assert members_of(tmp_path, feature) == [odd]


@pytest.mark.parametrize("when", ["open", "sealed"])
def test_near_by_only_few_days_are_read(tmp_path: Path, when: str) -> None:
    write(tmp_path, days=4)
    if when == "sealed":
        sealed(tmp_path, DAY + timedelta(days=9))
    every = {m.id: m for m in measurements(tmp_path)}
    far, odd = DAY + timedelta(days=300), ["", "x", "../../etc/passwd", "\udce4", "0" * 500]
    assert (
        find.measurements_near(tmp_path, [*every, *odd], [far]) == every
    )  # their ids tell the day
    hand = [replace(cycle(DAY)[0], id=name) for name in ("hand-1", "hand-2")]
    for made, day in zip(hand, (DAY, DAY - timedelta(days=2)), strict=True):
        append(MEASUREMENTS.open_file(tmp_path, f"{day:%Y-%m-%d}"), lines([made]))
    found = find.measurements_near(tmp_path, ["hand-1", "hand-2"], [DAY + timedelta(days=1)])
    assert list(found) == ["hand-1"]
