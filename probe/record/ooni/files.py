"""The lines of an OONI file: JSON Lines or one JSON document, also compressed by gzip."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from probe.record.ooni.reader import LINE_LIMIT

_MAGIC: Final = b"\x1f\x8b"  # RFC 1952 section 2.3.1
_CHUNK: Final = 1024**2
# deflate reaches 1032 : 1; measurements come to about 10 : 1.
_MOST_DENSE: Final = 100
_SMALL: Final = 16 * 1024**2  # bytes that any file may expand to


def record_lines(path: Path) -> Iterator[bytes]:
    """Each line without its end; the rest of one that is too long is passed over.

    A file that holds a single document, over several lines, gives that document, or the items of
    its list. Raises OSError, and ValueError when compressed data is broken or a bomb.
    """
    with path.open("rb") as plain:
        packed = plain.read(2) == _MAGIC
        plain.seek(0)
        size = path.stat().st_size
        file: io.BufferedIOBase = gzip.GzipFile(fileobj=plain) if packed else plain
        most = max(_SMALL, size * _MOST_DENSE) if packed else None
        try:
            yield from _lines(_Bounded(file, most))
        except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
            raise ValueError(f"its compressed data is broken: {exc}") from None


class _Bounded:
    """Counts what is read, and stops a bomb."""

    def __init__(self, file: io.BufferedIOBase, most: int | None) -> None:
        self._file, self._most, self._read = file, most, 0

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        self._read += len(line)
        if self._most is not None and self._read > self._most:
            raise ValueError("its compressed data expands beyond measure")
        return line


def _lines(file: _Bounded) -> Iterator[bytes]:
    first = file.readline(LINE_LIMIT + 1)
    if first.strip() == b"{" or first.lstrip()[:1] == b"[":
        yield from _document(first, file)
        return
    line = first
    while line:
        whole = line.endswith(b"\n") or len(line) <= LINE_LIMIT
        yield line.rstrip(b"\r\n") if whole else line
        while not whole and (rest := file.readline(_CHUNK)):
            whole = rest.endswith(b"\n")
        line = file.readline(LINE_LIMIT + 1)


def _document(first: bytes, file: _Bounded) -> Iterator[bytes]:
    """One JSON document over several lines, or a list of records."""
    text = bytearray(first)
    while line := file.readline(_CHUNK):
        text += line
        if len(text) > LINE_LIMIT:
            yield bytes(text)  # too long a record: whoever reads it says so
            return
    if text.lstrip().startswith(b"["):
        try:
            items = msgspec.json.decode(text, type=list[msgspec.Raw])
        except (ValueError, RecursionError):
            items = []
        if items:
            yield from (bytes(item) for item in items)
            return
    yield bytes(text)
