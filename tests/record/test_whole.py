"""probe.record.whole: the old or the new, and never half of either."""

import os

import pytest

from probe.record.disk import ResultsError
from probe.record.whole import read_whole, write_whole


def test_it_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "folder" / "state.json"
    assert read_whole(path, 9) is None
    old_mask = os.umask(0)
    try:
        write_whole(path, b"first")
    finally:
        os.umask(old_mask)
    with path.open("rb") as reader:
        write_whole(path, b"second")
        assert reader.read() == b"first"
    assert read_whole(path, 9) == b"second"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


def test_what_a_killed_writer_left_is_in_nobodys_way(tmp_path):
    path = tmp_path / "state.json"
    (tmp_path / ".state.json.new").write_bytes(b"half of a longer text")
    write_whole(path, b"whole")
    assert read_whole(path, 9) == b"whole"


def test_what_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "state.json"
    path.write_bytes(b"x" * 10)
    with pytest.raises(ValueError, match="larger than 9 bytes"):
        read_whole(path, 9)


def test_where_there_is_no_room_it_says_so(tmp_path):
    path = tmp_path / "state.json"
    path.mkdir()
    with pytest.raises(ResultsError):
        write_whole(path, b"x")
