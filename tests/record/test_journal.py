"""probe.record.journal: nothing complete is lost, nothing torn stays, nobody is written over."""

import fcntl
import json
import logging
import os
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from probe.core.model import Control, Event, Measurement, Software, Step, Target, Vantage, Verdict
from probe.record import journal as journal_module
from probe.record.disk import DiskFull, ResultsError
from probe.record.durable import Syncer
from probe.record.journal import Journal
from probe.record.scan import ScanReport, measurements

AT = datetime(2017, 7, 18, 4, tzinfo=UTC)
DAY = "2017-07-18.jsonl"
HERE = str(Path(__file__).parent)
PROJECT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def measurement(name: str, at: datetime = AT, filling: str = "") -> Measurement:
    step = Step(op="connect", transaction=1, t0=0.0, t=0.1, detail={"filling": filling})
    return Measurement(
        id=name,
        run="r",
        cycle=f"c-{name}",
        started=at,
        vantage=Vantage(id="local"),
        target=Target(id="t", service="s", feature="f", url="tcp://192.0.2.1:1"),
        check="tcp",
        steps=(step,),
        software=Software(name="probe", version="0"),
    )


def verdict(name: str, at: datetime = AT) -> Verdict:
    return Verdict(
        id=name,
        at=at,
        cycle="c",
        vantage=Vantage(id="local"),
        target="t",
        service="s",
        feature="f",
        url=None,
        outcome="ok",
        mechanism=None,
        locus=None,
        rule="complete",
        rules=1,
        covered="handshake",
        control=Control(),
        evidence=(),
    )


def event(name: str) -> Event:
    return Event(at=AT, event=name, vantage="local")


def ids(root: Path, report: ScanReport | None = None) -> list[str]:
    return [m.id for m in measurements(root, report=report)]


# A writer in a process of its own: argv is the folder, a prefix, a count and a length; it prints
# each id after the append has returned.
WRITER = f"""
import os, sys
sys.path[:0] = [{HERE!r}]
from pathlib import Path
from test_journal import measurement
from probe.record.journal import Journal
root, prefix, count, length = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
journal = Journal(root)
for number in range(count):
    name = f"{{prefix}}-{{number}}"
    journal.measurement(measurement(name, filling=prefix[-1] * (1 + length * (number % 7) // 6)))
    os.write(1, name.encode() + b"\\n")
journal.close()
"""


def writer(root: Path, prefix: str, count: int, length: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root), prefix, str(count), str(length)],
        stdout=subprocess.PIPE,
        env=PROJECT,
    )


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
    count = 150
    with writer(tmp_path, "w", count, 100_000) as process:
        assert process.stdout
        process.stdout.readline()
        seen = [0]
        while process.poll() is None:
            report = ScanReport()
            found = ids(tmp_path, report)
            assert found == [f"w-{number}" for number in range(len(found))]
            assert report.bad == 0
            assert len(found) >= seen[-1]
            seen.append(len(found))
        process.stdout.read()
    assert ids(tmp_path) == [f"w-{number}" for number in range(count)]
    assert len(set(seen)) > 2, "the reader never met a file that was growing"


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


ON_A_SMALL_DISK = f"""
import json, sys
sys.path[:0] = [{HERE!r}]
from pathlib import Path
from test_journal import ids, measurement, event
from probe.record.disk import DiskFull
from probe.record.journal import Journal
from probe.record.objects import Objects
from probe.record.scan import ScanReport
root = Path(sys.argv[1]) / "results"
ballast = Path(sys.argv[1]) / "ballast"
ballast.write_bytes(bytes(30_000))
journal = Journal(root)
written, errors, torn = [], [], []
for number in range(18):
    name = f"m{{number}}"
    try:
        journal.measurement(measurement(name, filling="x" * 2500))
    except DiskFull as exc:
        errors.append(str(exc))
    written.append(name)
    torn.append((root / "2017-07-18.jsonl").read_bytes()[-1:] != b"\\n")
try:
    Objects(root).put(bytes(20_000))
except DiskFull as exc:
    errors.append(str(exc))
before = ids(root)
waiting = journal.waiting
objects = [path.name for path in (root / "objects").glob("*")]
ballast.unlink()
journal.measurement(measurement("after"))
written.append("after")
journal.close()
report = ScanReport()
print(json.dumps(dict(
    written=written, before=before, waiting=waiting, errors=errors, torn=any(torn),
    objects=objects, found=ids(root, report), skipped=report.bad + report.unfinished,
    still=journal.waiting, dropped=journal.dropped,
)))
"""

ON_A_READ_ONLY_DISK = """
import sys
from pathlib import Path
from probe.record.disk import ResultsError
from probe.record.journal import Journal
for name in (".", "results"):
    try:
        Journal(Path(sys.argv[1]) / name)
    except ResultsError as exc:
        print(exc)
"""


def in_own_mounts(folder: Path, options: str, script: str) -> str:
    """Run a script that finds a small tmpfs of its own mounted at ``folder``."""
    mount = f'mount -t tmpfs -o {options} none "$1" && exec "$2" -c "$3" "$1"'
    inner = ["sh", "-c", mount, "sh", str(folder), sys.executable, script]
    for unshare in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        trial = [*unshare, "mount", "-t", "tmpfs", "none", str(folder)]
        if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
            done = subprocess.run(
                [*unshare, *inner],
                env=PROJECT,
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout
    pytest.skip("kernel: no mount namespaces for this user")


def test_a_full_disk_is_told_and_what_waited_is_written_in_order_when_there_is_room(
    tmp_path: Path,
) -> None:
    told: dict[str, Any] = json.loads(in_own_mounts(tmp_path, "size=64k", ON_A_SMALL_DISK))
    assert told["errors"], "the disk was never full"
    assert told["waiting"] > 0
    assert told["before"] == told["written"][: len(told["before"])]
    assert len(told["before"]) + told["waiting"] == len(told["written"]) - 1
    assert told["found"] == told["written"]
    assert not told["torn"]
    assert (told["skipped"], told["still"], told["dropped"]) == (0, 0, 0)
    assert told["objects"] == []
    day = tmp_path / "results" / DAY
    assert told["errors"][0] == f"{day}: the disk is full; free some room there"
    assert f"{tmp_path}/results/objects" in told["errors"][-1]


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    assert in_own_mounts(tmp_path, "ro", ON_A_READ_ONLY_DISK).splitlines() == [
        f"{tmp_path}: no permission to write results there",
        f"{tmp_path}/results: cannot write results there: read-only file system",
    ]


@pytest.mark.parametrize("below", ["", "results"])
def test_a_file_in_place_of_the_folder_is_one_clear_line(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="a file stands where a folder is needed") as error:
        Journal(tmp_path / "file" / below)
    assert "\n" not in str(error.value)


def test_one_files_trouble_does_not_hold_up_the_others(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").mkdir()
    journal = Journal(tmp_path)
    for name in ("start", "health"):
        with pytest.raises(ResultsError, match=r"events\.jsonl"):
            journal.event(event(name))
    with pytest.raises(ResultsError):
        journal.measurement(measurement("m1"))
    assert ids(tmp_path) == ["m1"]
    assert journal.waiting == 2
    (tmp_path / "events.jsonl").rmdir()
    journal.event(event("stop"))
    journal.close()
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["start", "health", "stop"]
    assert ids(tmp_path) == ["m1"]


@pytest.mark.parametrize(("limit", "value"), [("BACKLOG_LINES", 3), ("BACKLOG_BYTES", 1500)])
def test_what_waits_is_bounded_and_the_oldest_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(journal_module, limit, value)
    (tmp_path / DAY).mkdir()
    journal = Journal(tmp_path)
    for number in range(10):
        with pytest.raises(ResultsError):
            journal.measurement(measurement(f"m{number}"))
    assert 0 < journal.waiting <= 3
    assert journal.waiting + journal.dropped == 10
    (tmp_path / DAY).rmdir()
    kept = [f"m{number}" for number in range(10)][-journal.waiting :]
    journal.close()
    assert ids(tmp_path) == kept


def test_closing_says_that_lines_are_lost(tmp_path: Path) -> None:
    (tmp_path / DAY).mkdir()
    journal = Journal(tmp_path)
    with pytest.raises(ResultsError):
        journal.measurement(measurement("m"))
    with pytest.raises(ResultsError):
        journal.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "fsync"]


def test_a_full_disk_is_an_error_of_this_machine_not_of_the_network() -> None:
    from probe.core.failure import classify

    assert issubclass(DiskFull, ResultsError)
    assert classify(DiskFull("full")) is None


def test_a_slow_disk_does_not_hold_up_the_measuring_and_closing_waits_for_it(
    tmp_path: Path,
) -> None:
    go_on, flushed = threading.Event(), set()

    def fsync(descriptor: int) -> None:
        assert go_on.wait(60)
        flushed.add(os.fstat(descriptor).st_ino)

    journal = Journal(tmp_path, Syncer(gather=0.0, fsync=fsync))
    for number in range(100):
        journal.measurement(measurement(f"m{number}"))
    journal.verdict(verdict("v"))
    assert flushed == set()
    go_on.set()
    journal.close()
    files = {path.stat().st_ino for path in tmp_path.rglob("*")}
    assert files <= flushed
    assert tmp_path.stat().st_ino in flushed
