"""probe.record.journal: nothing complete is lost, nothing torn stays, nobody is written over."""

import fcntl
import json
import logging
import os
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from support.journals import AT, DAY, event, ids, measurement, verdict, writer

from probe.record import journal as journal_module
from probe.record.journal import Journal
from probe.record.scan import ScanReport, measurements


def test_each_record_goes_into_the_file_of_its_kind_and_utc_day(tmp_path: Path) -> None:
    before_midnight = AT.replace(hour=23, minute=59, second=59)
    with Journal(tmp_path) as journal:
        journal.measurement(measurement("m1", before_midnight))
        journal.measurement(measurement("m2", before_midnight + timedelta(seconds=1)))
        journal.verdict(verdict("v1", before_midnight))
        journal.event(event("start"))
    files = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {DAY, "2017-07-19.jsonl", f"verdicts/{DAY}", "events.jsonl"}
    assert json.loads((tmp_path / DAY).read_text())["id"] == "m1"
    assert json.loads((tmp_path / f"verdicts/{DAY}").read_text())["id"] == "v1"


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_files_are_0640_and_folders_0750_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    root = tmp_path / "data" / "results"
    before = os.umask(umask)
    try:
        with Journal(root) as journal:
            journal.measurement(measurement("m"))
            journal.verdict(verdict("v"))
            journal.event(event("start"))
    finally:
        os.umask(before)
    modes = {
        str(path.relative_to(tmp_path)): oct(path.stat().st_mode & 0o7777)
        for path in tmp_path.rglob("*")
    }
    assert modes == {
        "data": "0o750",
        "data/results": "0o750",
        "data/results/verdicts": "0o750",
        f"data/results/{DAY}": "0o640",
        f"data/results/verdicts/{DAY}": "0o640",
        "data/results/events.jsonl": "0o640",
    }


def test_a_torn_last_line_is_mended_told_and_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Journal(tmp_path) as journal:
        journal.measurement(measurement("whole"))
        with (tmp_path / DAY).open("ab") as file:
            file.write(b'{"schema":1,"id":"torn","ru')
        with caplog.at_level(logging.WARNING):
            journal.measurement(measurement("after"))
            journal.measurement(measurement("later"))
    assert caplog.messages == [f"mended a torn line at the end of {tmp_path / DAY}"]
    report = ScanReport()
    assert ids(tmp_path, report) == ["whole", "after", "later"]
    assert (report.bad, report.unfinished) == (1, 0)
    assert report.examples[0].line == 2


def test_kill_nine_loses_nothing_whose_append_had_returned(tmp_path: Path) -> None:
    told: list[str] = []
    rounds = 5
    for number in range(rounds):
        with writer(tmp_path, f"r{number}", 1_000_000, 300_000) as process:
            assert process.stdout
            told += [process.stdout.readline().decode().strip() for _ in range(10 + number)]
            process.kill()
            told += process.stdout.read().decode().split()
    with Journal(tmp_path) as journal:
        journal.measurement(measurement("last"))
    report = ScanReport()
    found = Counter(ids(tmp_path, report))
    assert [name for name in [*told, "last"] if found[name] != 1] == []
    assert report.unfinished == 0
    assert report.bad <= rounds
    assert len(found) <= len(told) + 1 + rounds  # one more may be whole, its id not yet told


def test_processes_writing_at_once_do_not_interleave(tmp_path: Path) -> None:
    processes = [writer(tmp_path, prefix, 60, 200_000) for prefix in ("w-a", "w-b", "w-c", "w-d")]
    for process in processes:
        process.communicate(timeout=100)
        assert process.returncode == 0
    report = ScanReport()
    found = list(measurements(tmp_path, report=report))
    assert report == ScanReport()
    for prefix in ("w-a", "w-b", "w-c", "w-d"):
        own = [m for m in found if m.id.startswith(prefix)]
        assert [m.id for m in own] == [f"{prefix}-{number}" for number in range(60)]
        assert {letter for m in own for letter in m.steps[0].detail["filling"]} == {prefix[-1]}


def test_the_file_is_locked_while_it_is_looked_at_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = journal_module._write_whole
    refused = []

    def write(descriptor: int, size: int, line: bytes) -> None:
        with (tmp_path / DAY).open("rb") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                refused.append(line)
        real(descriptor, size, line)

    monkeypatch.setattr(journal_module, "_write_whole", write)
    with Journal(tmp_path) as journal:
        journal.measurement(measurement("m"))
    assert len(refused) == 1


def test_threads_may_share_a_journal(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:

        def write(prefix: str) -> None:
            for number in range(50):
                journal.measurement(measurement(f"{prefix}{number}"))

        threads = [threading.Thread(target=write, args=(prefix,)) for prefix in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    report = ScanReport()
    assert len(set(ids(tmp_path, report))) == 200
    assert report == ScanReport()


def test_reading_goes_on_while_a_process_writes(tmp_path: Path) -> None:
    with writer(tmp_path, "w", 1_000_000, 100_000) as process:
        assert process.stdout
        process.stdout.readline()
        seen = [0]
        while len(set(seen)) <= 3 or len(seen) < 20:  # the file has grown, again and again
            report = ScanReport()
            found = ids(tmp_path, report)
            assert found == [f"w-{number}" for number in range(len(found))]
            assert report.bad == 0
            assert len(found) >= seen[-1]
            seen.append(len(found))
            assert process.poll() is None
        process.kill()
    assert len(ids(tmp_path)) >= seen[-1]


def test_a_process_that_ends_has_written_everything(tmp_path: Path) -> None:
    count = 150
    with writer(tmp_path, "w", count, 100_000) as process:
        assert process.stdout
        process.stdout.read()
    assert ids(tmp_path) == [f"w-{number}" for number in range(count)]


def test_a_file_that_is_moved_away_during_the_wait_for_its_lock_gets_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock

    def unlink_first(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        (tmp_path / DAY).unlink()
        real(descriptor, operation)

    with Journal(tmp_path) as journal:
        journal.measurement(measurement("sealed"))
        monkeypatch.setattr(fcntl, "flock", unlink_first)
        journal.measurement(measurement("late"))
    assert ids(tmp_path) == ["late"]
