"""probe.record.disk: what root makes in a service's folder belongs to the service."""

import os
from pathlib import Path

import pytest
from support.virtual import DAY

from probe.core.model import Event
from probe.record import disk
from probe.record.journal import Journal


@pytest.mark.skipif(os.geteuid() != 0, reason="kernel: only root may give files away")
def test_what_root_writes_belongs_to_the_folders_owner(tmp_path: Path) -> None:
    root = tmp_path / "results"
    root.mkdir()
    os.chown(root, 12345, 54321)
    with Journal(root) as journal:
        journal.event(Event(at=DAY, event="start", vantage="v"))
        journal.objects.put(b"certificate")
    made = [*root.rglob("*")]
    assert {path.name for path in made} >= {"events.jsonl", "objects"}
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(12345, 54321)}


def test_a_right_that_root_lacks_in_a_container_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", refuse)
    descriptor, new = disk.open_to_append(tmp_path / "new" / "file")
    os.close(descriptor)
    assert new
    assert (tmp_path / "new" / "file").stat().st_mode & 0o777 == 0o640
