"""probe.record.objects: stored once, found by content, and nothing but by content."""

import hashlib
import os
from pathlib import Path

import pytest

from probe.record import objects
from probe.record.disk import ResultsError
from probe.record.durable import Syncer
from probe.record.objects import Objects

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("data", [b"", b"\x30\x82\x00\x01", b"x" * 1_000_000])
def test_bytes_are_found_under_their_sha256(tmp_path: Path, data: bytes) -> None:
    name = Objects(tmp_path).put(data)
    assert name == hashlib.sha256(data).hexdigest()
    assert Objects(tmp_path).get(name) == data


def test_storing_twice_leaves_one_file_that_is_not_touched_again(tmp_path: Path) -> None:
    name = Objects(tmp_path).put(b"chain")
    path = tmp_path / "objects" / name
    before = path.stat()
    store = Objects(tmp_path)
    assert store.put(b"chain") == store.put(b"chain") == name
    assert [entry.name for entry in path.parent.iterdir()] == [name]
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


def test_a_known_object_costs_no_look_at_the_disk(tmp_path: Path) -> None:
    store = Objects(tmp_path)
    name = store.put(b"chain")
    (tmp_path / "objects" / name).unlink()
    assert store.put(b"chain") == name
    assert not (tmp_path / "objects" / name).exists()


def test_the_memory_of_known_objects_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_REMEMBERED", 3)
    store = Objects(tmp_path)
    names = [store.put(bytes([number])) for number in range(8)]
    assert len(store._seen) <= 3
    assert [store.get(name) for name in names] == [bytes([number]) for number in range(8)]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_files_are_0640_and_the_folder_0750_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        name = Objects(tmp_path).put(b"chain")
    finally:
        os.umask(before)
    folder = tmp_path / "objects"
    assert (folder / name).stat().st_mode & 0o7777 == 0o640
    assert folder.stat().st_mode & 0o7777 == 0o750


def test_what_a_power_cut_left_is_written_again(tmp_path: Path) -> None:
    name = Objects(tmp_path).put(b"chain")
    (tmp_path / "objects" / name).write_bytes(b"")
    store = Objects(tmp_path)
    with pytest.raises(ValueError, match="does not match its name"):
        store.get(name)
    store.put(b"chain")
    assert store.get(name) == b"chain"


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", EMPTY[:-1], EMPTY.upper(), EMPTY + "\n", "/" + EMPTY[1:]]
)
def test_only_a_sha256_is_a_name(tmp_path: Path, name: str) -> None:
    Objects(tmp_path).put(b"")
    with pytest.raises(ValueError, match="is no SHA-256"):
        Objects(tmp_path).get(name)


def test_an_object_that_is_not_there_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Objects(tmp_path).get(EMPTY)


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("")
    with pytest.raises(ResultsError, match="a file stands where a folder is needed") as error:
        Objects(tmp_path).put(b"chain")
    assert "\n" not in str(error.value)


def test_a_new_object_is_handed_on_to_be_flushed(tmp_path: Path) -> None:
    flushed: set[int] = set()
    syncer = Syncer(gather=0.0, fsync=lambda fd: flushed.add(os.fstat(fd).st_ino))
    name = Objects(tmp_path, syncer).put(b"chain")
    syncer.close()
    folder = tmp_path / "objects"
    assert flushed == {folder.stat().st_ino, (folder / name).stat().st_ino}
