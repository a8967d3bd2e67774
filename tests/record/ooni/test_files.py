"""Files as OONI publishes them: lines, documents, compressed ones, and what poses as such."""

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
from support.ooni_records import line, web_fine, web_reset

from probe.record.ooni import Found, Malformed, read_ooni, record_lines

TWO = line(web_fine()) + b"\n" + line(web_reset()) + b"\n"


def kinds(path: Path) -> list[type]:
    return [type(item) for item in read_ooni(record_lines(path))]


@pytest.mark.parametrize(
    "content",
    [
        TWO,
        TWO.rstrip(b"\n"),
        TWO.replace(b"\n", b"\r\n"),
        gzip.compress(TWO),
        gzip.compress(TWO[:900]) + gzip.compress(TWO[900:]),
        json.dumps([web_fine(), web_reset()]).encode(),
        json.dumps([web_fine(), web_reset()], indent=2).encode(),
    ],
    ids=["lines", "no end", "CRLF", "gzip", "two members", "list", "long list"],
)
def test_two_records_are_found_in_each_form(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "records"
    path.write_bytes(content)
    assert kinds(path) == [Found, Found]


def test_one_document_over_several_lines_is_one_record(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(web_fine(), indent=4))
    assert kinds(path) == [Found]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]"])
def test_nothing_is_found_in_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty"
    path.write_bytes(content)
    assert Found not in kinds(path)


def test_a_line_that_is_too_long_costs_no_more_than_itself(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"x" * 40 * 1024**2 + b"\n" + TWO)
    assert kinds(path) == [Malformed, Found, Found]


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:40] + b"x" * 99])
def test_broken_compression_is_an_error_after_what_could_be_read(tmp_path: Path, damage) -> None:
    path = tmp_path / "broken.gz"
    path.write_bytes(damage(gzip.compress(TWO)))
    with pytest.raises(ValueError, match="compressed data is broken"):
        kinds(path)


@pytest.mark.parametrize("filling", [b"\0", b" ", b'{"a": 1}' * 900 + b"\n"])
def test_a_bomb_is_stopped_in_bounded_memory(tmp_path: Path, filling: bytes) -> None:
    path = tmp_path / "bomb.gz"
    piece = gzip.compress(filling * (10_000_000 // len(filling)))
    path.write_bytes(piece * 9)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="beyond measure"):
            for _ in record_lines(path):
                pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60 * 1024**2
