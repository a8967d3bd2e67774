"""probe.record.seal: whatever happens on the way, each record is there exactly once."""

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import anything, dying
from support.history import DAY, LATER, append, cycle, judged, lines, sealed, seen, write

from probe.record import seal as seal_module
from probe.record.journal import Journal
from probe.record.scan import ScanReport, events, measurements, verdicts
from probe.record.seal import SealerBusyError, sealing_alone

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}


def files(root: Path) -> list[str]:
    return sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and path.name != ".lock"
    )


def test_past_days_become_one_part_each_and_read_the_same(tmp_path: Path) -> None:
    write(tmp_path)
    before = seen(tmp_path)
    done = sealed(tmp_path)
    assert (done.parts, done.records, done.rejected, done.trouble) == (6, 20, 0, [])
    assert files(tmp_path) == [
        f"sealed/{kind}/day=2017-07-{day}/part-0001.parquet"
        for kind in ("events", "measurements", "verdicts")
        for day in (18, 19)
    ]
    assert seen(tmp_path) == before
    again = sealed(tmp_path)
    assert (again.parts, again.records, again.trouble) == (0, 0, [])
    assert seen(tmp_path) == before


def test_files_are_0640_and_folders_0750(tmp_path: Path) -> None:
    write(tmp_path)
    old = os.umask(0)
    try:
        sealed(tmp_path)
    finally:
        os.umask(old)
    for path in (tmp_path / "sealed").rglob("*"):
        wanted = 0o750 if path.is_dir() else 0o640
        assert path.stat().st_mode & 0o7777 == wanted, path


@pytest.mark.parametrize(
    ("minutes", "parts"), [(0, 0), (59, 0), (60, 1), (24 * 60 + 59, 1), (25 * 60, 2)]
)
def test_a_day_is_due_an_hour_after_its_end(tmp_path: Path, minutes: int, parts: int) -> None:
    append(tmp_path / "2017-07-18.jsonl", lines(cycle(DAY)))
    append(tmp_path / "2017-07-19.jsonl", lines(cycle(DAY + timedelta(days=1))))
    now = DAY + timedelta(days=1, minutes=minutes)
    assert sealed(tmp_path, now).parts == parts


def test_the_diary_is_sealed_by_day_and_goes_on(tmp_path: Path) -> None:
    write(tmp_path, days=3)
    before = seen(tmp_path)
    sealed(tmp_path, DAY + timedelta(days=1))  # too early: its first event is of the same day
    assert (tmp_path / "events.jsonl").exists()
    sealed(tmp_path, DAY + timedelta(days=2, hours=2))
    assert not (tmp_path / "events.jsonl").exists()
    assert seen(tmp_path) == before
    write(tmp_path, days=1, each=0)
    assert len(seen(tmp_path)[2]) == 4
    sealed(tmp_path)
    assert len(seen(tmp_path)[2]) == 4
    day = DAY + timedelta(days=1)
    assert len(list(events(tmp_path, day, day + timedelta(days=1)))) == 1


def test_late_lines_become_a_further_part_in_their_order(tmp_path: Path) -> None:
    write(tmp_path)
    before = seen(tmp_path)
    sealed(tmp_path)
    for number in (2, 3):
        late = cycle(DAY + timedelta(minutes=number))
        with Journal(tmp_path) as journal:
            for one in late:
                journal.measurement(one)
        before[0][:] = [m for m in before[0] if m.started.day == 18] + late + [
            m for m in before[0] if m.started.day != 18
        ]  # fmt: skip
        assert seen(tmp_path) == before
        sealed(tmp_path)
        assert seen(tmp_path) == before
        assert (tmp_path / f"sealed/measurements/day=2017-07-18/part-000{number}.parquet").exists()


def test_a_writer_that_waits_for_the_lock_writes_into_the_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening the day's file and locking it, the file is taken and sealed."""
    import fcntl

    write(tmp_path, days=1)
    before = seen(tmp_path)
    real = fcntl.flock
    late = cycle(DAY)[0]
    with Journal(tmp_path) as journal:

        def flock(descriptor: int, how: int) -> None:
            monkeypatch.setattr(fcntl, "flock", real)
            sealed(tmp_path)
            real(descriptor, how)

        monkeypatch.setattr(fcntl, "flock", flock)
        journal.measurement(late)
    assert (tmp_path / "2017-07-18.jsonl").read_bytes() == lines([late])
    assert seen(tmp_path) == ([*before[0], late], before[1], before[2])


def test_lines_that_are_no_records_are_kept_aside_and_still_counted(tmp_path: Path) -> None:
    good = lines(cycle(DAY))
    bad = [b"{}\n", b"\xff\n", b"[" * 100_000 + b"\n"]
    path = tmp_path / "2017-07-18.jsonl"
    append(path, good, *bad, good, b'{"torn": ')
    before = [m.id for m in measurements(tmp_path)]
    done = sealed(tmp_path)
    assert (done.records, done.rejected, done.trouble) == (4, 4, [])
    aside = tmp_path / "sealed/measurements/day=2017-07-18/part-0001.rejected"
    assert aside.read_bytes() == b"".join(bad) + b'{"torn": \n'
    report = ScanReport()
    assert [m.id for m in measurements(tmp_path, report=report)] == before
    assert (report.bad, report.unfinished) == (4, 0)
    assert str(report.examples[0]) == f"{aside}:1"


def test_a_file_without_any_record_leaves_only_what_was_rejected(tmp_path: Path) -> None:
    append(tmp_path / "2017-07-18.jsonl", b"nothing\n")
    append(tmp_path / "verdicts/2017-07-18.jsonl", b"")
    append(tmp_path / "events.jsonl", b"nothing\n")
    done = sealed(tmp_path)
    assert (done.parts, done.rejected, done.trouble) == (0, 1, [])
    assert files(tmp_path) == [
        "events.jsonl",
        "sealed/measurements/day=2017-07-18/part-0001.rejected",
    ]


def test_a_line_that_is_too_long_is_kept_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from probe.record import convert, scan

    record = lines(cycle(DAY)[:1])
    # What comes after so many bytes would be a record by itself: it must not become one.
    limit = len(record) + 1
    long = b"x" * limit + record
    for module in (convert, scan):
        monkeypatch.setattr(module, "LINE_LIMIT", limit)
    append(tmp_path / "2017-07-18.jsonl", record, long, record)
    done = sealed(tmp_path)
    assert (done.records, done.rejected) == (2, 1)
    aside = tmp_path / "sealed/measurements/day=2017-07-18/part-0001.rejected"
    assert aside.read_bytes() == long


def test_foreign_vantages_share_a_day_in_the_order_they_were_written(tmp_path: Path) -> None:
    found = [
        replace(one, vantage=replace(one.vantage, id=f"v'{number}/../\"x"))
        for number in range(5)
        for one in cycle(DAY)
    ]
    append(tmp_path / "2017-07-18.jsonl", lines(found))
    sealed(tmp_path)
    assert seen(tmp_path)[0] == found


def test_only_one_seals_at_a_time(tmp_path: Path) -> None:
    write(tmp_path)
    with sealing_alone(tmp_path), pytest.raises(SealerBusyError, match="another process"):
        sealed(tmp_path)
    assert sealed(tmp_path).parts == 6


def test_what_is_not_the_same_when_read_back_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from probe.record import convert

    write(tmp_path, days=1)
    before = seen(tmp_path)
    real = convert.lines
    monkeypatch.setattr(
        convert, "lines", lambda *a: (text.replace(b'"ok"', b'"down"') for text in real(*a))
    )
    done = sealed(tmp_path)
    assert [line.partition(": ")[2] for line in done.trouble] == [
        "what was sealed of 2017-07-18 is not what was written; it stays"
    ]
    assert done.parts == 2
    assert "verdicts/2017-07-18.0001.jsonl" in files(tmp_path)
    assert seen(tmp_path) == before
    monkeypatch.undo()
    assert sealed(tmp_path).trouble == []
    assert seen(tmp_path) == before


def test_a_broken_part_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    write(tmp_path)
    sealed(tmp_path)
    path = tmp_path / "sealed/verdicts/day=2017-07-18/part-0001.parquet"
    for broken in (b"", b"PAR1 nonsense PAR1", path.read_bytes()[:-40]):
        path.write_bytes(broken)
        report = ScanReport()
        assert len(list(verdicts(tmp_path, report=report))) == 3
        assert report.bad == 1
        assert report.examples[0].path == path
        assert "the sealed file is broken" in report.examples[0].reason


def test_a_full_disk_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    before = seen(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(seal_module, "_put", full)
    done = sealed(tmp_path)
    assert (done.parts, len(done.trouble)) == (0, 5)
    assert all(line.endswith("No space left on device") for line in done.trouble)
    assert seen(tmp_path) == before
    monkeypatch.undo()
    assert sealed(tmp_path).trouble == []
    assert seen(tmp_path) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        found = [one for number in range(40) for one in cycle(DAY + timedelta(minutes=number))]
        append(disk / "2017-07-18.jsonl", lines(found))
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(b"x" * 4096)
        done = sealed(disk)
        assert (done.parts, len(done.trouble)) == (0, 1)
        assert seen(disk)[0] == found
        filler.unlink()
        assert sealed(disk).trouble == []
        assert seen(disk)[0] == found
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.timeout(180)
def test_killed_before_any_change_of_the_disk_nothing_is_lost_and_nothing_doubled(
    tmp_path: Path,
) -> None:
    given = tmp_path / "given"
    write(given, days=1, each=2)
    append(given / "2017-07-18.jsonl", b"no record\n")
    done = subprocess.run(
        [sys.executable, dying.__file__, str(given), str(tmp_path / "scratch")],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 50


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(anything.measurements, max_size=4),
    st.lists(anything.verdicts, max_size=4),
    st.lists(anything.events, max_size=4),
)
def test_whatever_is_in_records_comes_back(found: list, given_: list, happened: list) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        with Journal(root) as journal:
            for one in found:
                journal.measurement(one)
            for one in given_:
                journal.verdict(one)
            for one in happened:
                journal.event(one)
        before = seen(root)
        done = sealed(root, anything.LAST)
        assert (done.trouble, done.rejected) == ([], 0)
        assert done.records == len(found) + len(given_) + len(happened)
        after = seen(root)
        assert after[:2] == before[:2]
        assert sorted(after[2], key=repr) == sorted(before[2], key=repr)
        assert not list(root.glob("*.jsonl"))


def test_a_verdict_given_again_later_still_counts_as_the_newest(tmp_path: Path) -> None:
    from probe.record.join import judged as joined

    trial = cycle(DAY)[0]
    first, second = judged(trial, "unreachable"), judged(trial, "blocked")
    with Journal(tmp_path) as journal:
        journal.measurement(trial)
        journal.verdict(first)
    sealed(tmp_path)
    with Journal(tmp_path) as journal:
        journal.verdict(second)
    for _ in range(2):
        ((_, found),) = joined(tmp_path)
        assert found is not None
        assert found.outcome == "blocked"
        sealed(tmp_path, LATER)
