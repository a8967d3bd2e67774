"""Reads a file of JSON Lines on from where it was left: what a writer has appended since.

For readers that stay, such as a page about results that are still being written. What is at most
looked at in one go is up to the caller: each record comes with the place where it ends.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from probe.record.codec import BadLineError
from probe.record.scan import LINE_LIMIT, ScanReport

_BUFFER: Final = 1024**2
_Record = TypeVar("_Record")


class Version(NamedTuple):
    """Which file stood at a path, and how much of it: the same file only ever grows."""

    device: int
    inode: int
    size: int
    modified: int  # nanoseconds

    def grew_from(self, earlier: "Version") -> bool:
        """Whether this is the earlier file with more behind it."""
        same = (self.device, self.inode) == (earlier.device, earlier.inode)
        return same and self.size > earlier.size


def version(path: Path) -> Version | None:
    """What stands there now; None for no file."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Version(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def lines(
    path: Path,
    start: int,
    end: int | None,
    decode: Callable[[bytes], _Record],
    report: ScanReport,
) -> Iterator[tuple[int, int, _Record]]:
    """The whole lines from byte ``start`` on that begin before ``end``: start, end and record.

    ``start`` is the beginning of a line. ``decode`` raises BadLineError for a line that is no
    record: it goes into the report, with its place as a number of bytes. A line without its
    newline is left for the next time; a file that is gone has none.
    """
    try:
        file = path.open("rb", buffering=_BUFFER)
    except FileNotFoundError:
        return
    with file:
        file.seek(start)
        at = start
        inside = False  # of a line that is too long
        while (end is None or at < end) and (line := file.readline(LINE_LIMIT)):
            begun, at = at, at + len(line)
            whole = line[-1] == 0x0A
            if not whole and len(line) < LINE_LIMIT:
                return  # a writer is at work, or what a crash left
            if inside or not whole:
                if not inside:
                    report.note_bad(path, begun, f"longer than {LINE_LIMIT // 1024**2} MiB")
                inside = not whole
                continue
            try:
                record = decode(line)
            except BadLineError as exc:
                report.note_bad(path, begun, str(exc))
            else:
                yield begun, at, record
