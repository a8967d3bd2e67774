"""probe.record.journal: full, read-only and slow disks, and what stands in a file's place."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from support.journals import DAY, HERE, PROJECT, event, ids, measurement, verdict

from probe.record import journal as journal_module
from probe.record.disk import DiskFull, ResultsError
from probe.record.durable import Syncer
from probe.record.journal import Journal

ON_A_SMALL_DISK = f"""
import json, sys
sys.path[:0] = [{HERE!r}]
from pathlib import Path
from support.journals import ids, measurement, event
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
