"""probe.record.durable: flushing happens soon, behind, and completely at the end."""

import logging
import os
import threading
from pathlib import Path

import pytest

from probe.record.durable import Syncer


class Disk:
    """Notes what is flushed; can be made slow."""

    def __init__(self) -> None:
        self.flushed: list[int] = []
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def fsync(self, descriptor: int) -> None:
        self.reached.set()
        assert self.go_on.wait(60)
        self.flushed.append(os.fstat(descriptor).st_ino)


def test_what_was_noted_is_flushed_without_being_asked(tmp_path: Path) -> None:
    disk = Disk()
    syncer = Syncer(gather=0.0, fsync=disk.fsync)
    syncer.soon(tmp_path)
    assert disk.reached.wait(60)
    syncer.close()
    assert disk.flushed == [tmp_path.stat().st_ino]


def test_many_notes_within_the_gathering_time_share_one_flush(tmp_path: Path) -> None:
    disk = Disk()
    syncer = Syncer(gather=60.0, fsync=disk.fsync)
    for _ in range(100):
        syncer.soon(tmp_path)
    syncer.close()  # ends the gathering at once
    assert len(disk.flushed) == 1


def test_a_slow_disk_does_not_hold_up_the_writer(tmp_path: Path) -> None:
    disk = Disk()
    disk.go_on.clear()
    syncer = Syncer(gather=0.0, fsync=disk.fsync)
    syncer.soon(tmp_path)
    assert disk.reached.wait(60)
    syncer.soon(tmp_path)  # would hang here, were it to wait for the disk
    assert disk.flushed == []
    disk.go_on.set()
    syncer.close()
    assert len(disk.flushed) == 2


def test_it_can_be_used_again_after_it_was_closed(tmp_path: Path) -> None:
    disk = Disk()
    syncer = Syncer(gather=0.0, fsync=disk.fsync)
    syncer.close()
    for _ in range(3):
        syncer.soon(tmp_path)
        syncer.close()
    assert len(disk.flushed) == 3
    assert not [thread for thread in threading.enumerate() if thread.name == "fsync"]


def test_a_file_that_is_gone_is_passed_over_and_a_failing_disk_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    syncer = Syncer(gather=0.0, fsync=fail)
    syncer.soon(tmp_path / "gone", tmp_path)
    with caplog.at_level(logging.WARNING):
        syncer.close()
    assert caplog.messages == [f"cannot flush {tmp_path} to disk: Input/output error"]
