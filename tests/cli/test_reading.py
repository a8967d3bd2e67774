"""probe.cli.reading: many files are read side by side, and give what one reader gives."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from support.reported import START, cycles

from probe.cli import reading
from probe.compare.cells import cells
from probe.compare.collect import collect
from probe.core.model import Vantage
from probe.record.codec import encode
from probe.record.scan import ScanReport, verdicts

DAYS = 5


def stored(root: Path) -> None:
    folder = root / "verdicts"
    folder.mkdir()
    for day in range(DAYS):
        start = START + timedelta(days=day)
        lines = [
            *cycles("..x" * (day + 1), start, mechanism=f"tls.reset.{day}"),
            *cycles("b.", start, vantage=Vantage(id=f"v{day % 2}", country="CN"), target="t"),
        ]
        path = folder / f"{start:%Y-%m-%d}.jsonl"
        path.write_bytes(b"".join(map(encode, lines)) + b"broken\n")


@pytest.mark.parametrize("much", [0, 1 << 40])
def test_series_are_the_same_however_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, much: int
) -> None:
    stored(tmp_path)
    monkeypatch.setattr(reading, "_MUCH", much)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    report = ScanReport()
    with reading.side_by_side(tmp_path, None, None) as each:
        assert (each is map) is (much > 0)
        found = reading.stored_series(tmp_path, None, None, report, each)
        drawn = [told(one) for one in cells(found, each)]
    wanted = collect(verdicts(tmp_path))
    assert [
        (one.vantage, one.service, one.feature, list(one.times), one.outcomes, mechanisms(one))
        for one in sorted(found, key=key)
    ] == [
        (one.vantage, one.service, one.feature, list(one.times), one.outcomes, mechanisms(one))
        for one in sorted(wanted, key=key)
    ]
    assert drawn == [told(one) for one in cells(found)]
    assert (report.bad, len(report.examples)) == (DAYS, DAYS)


def test_only_the_time_asked_for_is_read(tmp_path: Path) -> None:
    stored(tmp_path)
    day = START + timedelta(days=2)
    found = reading.stored_series(tmp_path, day, day + timedelta(days=1), ScanReport(), map)
    assert sum(len(one.times) for one in found) == 9 + 2


def test_one_processor_does_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path)
    monkeypatch.setattr(reading, "_MUCH", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with reading.side_by_side(tmp_path, None, None) as each:
        assert each is map


def test_a_folder_without_verdicts_gives_none(tmp_path: Path) -> None:
    with reading.side_by_side(tmp_path, None, None) as each:
        assert reading.stored_series(tmp_path, None, None, ScanReport(), each) == ()


def told(cell):
    return cell.place, list(cell.times), cell.outcomes, cell.failing, cell.hours, cell.episodes


def key(one):
    return one.vantage.id, one.service, one.feature


def mechanisms(one):
    return [one.names[code] for code in one.mechanisms]
