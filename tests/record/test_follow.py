"""Reading on where it was left: whole lines only, each with its place."""

import os
from pathlib import Path

from support.records import measured, verdict

from probe.record import follow
from probe.record.brief import decoder
from probe.record.codec import decode_verdict, encode
from probe.record.follow import lines, version
from probe.record.scan import ScanReport

ONE, TWO = encode(verdict("one")), encode(verdict("two"))


def read(path: Path, start: int = 0, end: int | None = None) -> list[tuple[int, int, str | None]]:
    found = lines(path, start, end, decode_verdict, ScanReport())
    return [(first, last, record.target) for first, last, record in found]


def test_lines_come_with_their_places_and_reading_goes_on_there(tmp_path: Path) -> None:
    path = tmp_path / "day"
    path.write_bytes(ONE)
    assert read(path) == [(0, len(ONE), "one")]
    with path.open("ab") as file:
        file.write(TWO)
    assert read(path, len(ONE)) == [(len(ONE), len(ONE + TWO), "two")]
    assert read(path, 0, len(ONE)) == [(0, len(ONE), "one")]


def test_half_a_line_is_left_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "day"
    path.write_bytes(ONE + TWO[:40])
    assert [target for _, _, target in read(path)] == ["one"]
    path.write_bytes(ONE + TWO)
    assert [target for _, _, target in read(path, len(ONE))] == ["two"]


def test_what_is_no_record_is_told_and_passed(tmp_path: Path) -> None:
    path = tmp_path / "day"
    path.write_bytes(b"{\n\xff\n" + ONE + b"[]\n" + TWO)
    report = ScanReport()
    found = [record.target for *_, record in lines(path, 0, None, decoder(), report)]
    assert (found, report.bad) == (["one", "two"], 3)


def test_the_rest_of_a_line_that_is_too_long_is_no_line(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(follow, "LINE_LIMIT", 1000)
    path = tmp_path / "day"
    path.write_bytes(b" " * 2500 + ONE + TWO)
    report = ScanReport()
    found = [record.target for *_, record in lines(path, 0, None, decode_verdict, report)]
    assert (found, report.bad) == (["two"], 1)


def test_a_file_that_is_not_there_has_no_lines_and_no_version(tmp_path: Path) -> None:
    assert read(tmp_path / "none") == []
    assert version(tmp_path / "none") is None


def test_a_version_tells_growth_from_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "day"
    path.write_bytes(ONE)
    before = version(path)
    with path.open("ab") as file:
        file.write(TWO)
    grown = version(path)
    assert before is not None and grown is not None
    assert grown.grew_from(before)
    os.truncate(path, 10)
    shorter = version(path)
    assert shorter is not None and not shorter.grew_from(grown)
    other = tmp_path / "other"
    other.write_bytes(ONE + TWO)
    other.rename(path)
    replaced = version(path)
    assert replaced is not None and not replaced.grew_from(before)


def test_measurements_are_no_verdicts(tmp_path: Path) -> None:
    path = tmp_path / "day"
    path.write_bytes(encode(measured()))
    assert read(path) == []
