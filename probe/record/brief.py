"""Reads of each verdict only what a comparison needs, many lines at a time.

A year of many targets is tens of millions of verdicts, and most of their lines are identifiers:
this is six times as quick as reading all of each, one by one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from os import SEEK_CUR
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from probe.core.model import Outcome, Vantage
from probe.record.codec import BadLineError
from probe.record.columns import VANTAGE_TEXT, instant_text, object_text, string_text
from probe.record.parts import JUDGED, days, sources
from probe.record.scan import LINE_LIMIT, NEWLINE, ScanReport, day_records, lines_in, within

_BLOCK: Final = 256 * 1024  # bytes that are read at a time: what fits beside a processor
# Between these the codec writes where it was measured and what: strings there hold no bare quote.
_FROM: Final = b',"vantage":{'
_TO: Final = b',"outcome":'
_CLOSED: Final = ord("}")  # what a whole line ends with


class Brief(msgspec.Struct, gc=False):
    """When what was concluded, where, and of what; fields as in ``core.model.Verdict``."""

    at: datetime
    vantage: Any  # a Vantage, one object for all verdicts of a file
    target: str | None
    service: str
    feature: str
    outcome: Outcome
    mechanism: str | None


class _Line(Brief, gc=False):
    vantage: msgspec.Raw  # the same text in nearly every line: read once


_DECODER: Final = msgspec.json.Decoder(_Line)
_VANTAGE: Final = msgspec.json.Decoder(Vantage)
_TEXT: Final = object_text(  # the same of a sealed verdict
    at=instant_text("at"),
    vantage=VANTAGE_TEXT,
    target=string_text("target"),
    service=string_text("service"),
    feature=string_text("feature"),
    outcome=string_text("outcome"),
    mechanism=string_text("mechanism"),
)


def verdict_days(root: Path, since: datetime | None, until: datetime | None) -> list[str]:
    """The days of a results folder that can hold verdicts of ``since`` <= t < ``until``."""
    return days(root, JUDGED, since, until)


def verdict_bytes(root: Path, day: str) -> int:
    """What the verdicts of a day take on disk; sealed, it is a tenth of the lines."""
    found = sources(root, JUDGED, day)
    open_files = [*found.taken, *([found.open] if found.open else [])]
    return sum(_size(path) for path in open_files) + 10 * sum(map(_size, found.sealed))


def briefs(
    root: Path,
    day: str,
    since: datetime | None = None,
    until: datetime | None = None,
    report: ScanReport | None = None,
) -> Iterator[Brief]:
    """The verdicts of one day that were given in ``since`` <= t < ``until``, as written.

    Verdicts of one vantage share one object. A line that is none goes into the report.
    """
    found = _all(root, day, report or ScanReport(), None)
    if since is None and until is None:
        return found
    return (brief for brief in found if within(brief.at, since, until))


def telling(
    root: Path, day: str, since: datetime | None, until: datetime | None, report: ScanReport
) -> Iterator[Brief]:
    """The same, but for most of those on targets whose feature has a verdict of its own.

    Those are most lines of most files, and count for nothing where the feature speaks for itself.
    """
    found = _all(root, day, report, _Spoken(since, until))
    if since is None and until is None:
        return found
    return (brief for brief in found if within(brief.at, since, until))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def decoder(vantages: dict[bytes, Vantage] | None = None) -> Callable[[bytes], Brief]:
    """Reads a line, or raises BadLineError; the verdicts that it reads share their vantages."""
    known = {} if vantages is None else vantages

    def decode(text: bytes) -> Brief:
        try:
            return _settled(_DECODER.decode(text), known)
        except (ValueError, RecursionError) as exc:
            raise BadLineError(str(exc)) from None

    return decode


def _all(root: Path, day: str, report: ScanReport, spoken: "_Spoken | None") -> Iterator[Brief]:
    vantages: dict[bytes, Vantage] = {}
    decode = decoder(vantages)

    def read(file: BinaryIO) -> Iterator[Brief]:
        """Block by block; one in which anything is wrong is read again, line by line."""
        path, number = Path(file.name), 0
        while block := _block(file):
            if block[-1] != NEWLINE or len(block) > LINE_LIMIT:  # unfinished, or far too long
                file.seek(-len(block), SEEK_CUR)
                yield from lines_in(file, path, decode, report, number)
                return
            texts = block.split(b"\n")
            del texts[-1]
            wanted = spoken.without(texts) if spoken else texts
            found = _at_once(wanted, vantages)
            if found is None:
                yield from lines_in(BytesIO(block), path, decode, report, number)
            else:
                if spoken:
                    spoken.learn(found, wanted)
                yield from found
            number += len(texts)

    return day_records(root, JUDGED, day, decode, report, _TEXT, read)


class _Spoken:
    """Which targets' features have had a verdict of their own in the time asked for."""

    def __init__(self, since: datetime | None, until: datetime | None) -> None:
        self._time = since, until
        self._features: set[tuple[int, str, str]] = set()
        self._places: set[bytes] = set()  # of lines, what stands from the vantage to the URL
        self._first = self._least = 0  # where such a place begins, and how short one is

    def without(self, texts: Sequence[bytes]) -> Sequence[bytes]:
        """The lines that may count; what is left out was written whole, and is not decoded.

        Identifiers are of one length, so a place nearly always begins where the last one did, and
        ends no sooner than the shortest: to look there first is a quarter quicker. A slice at the
        wrong place is no known one, because each of these ends at the first ``_TO`` behind it.
        """
        known, first = self._places, self._first
        if not known:
            return texts
        least = first + self._least
        return [
            text
            for text in texts
            if (
                text[first : text.find(_TO, least)] not in known
                and text[text.find(_FROM) : text.find(_TO)] not in known
            )
            or text[-1] != _CLOSED
        ]

    def learn(self, found: Iterable[Brief], texts: Iterable[bytes]) -> None:
        """See which lines need not be read any more; a vantage is known by its one object."""
        for brief, text in zip(found, texts, strict=True):
            feature = id(brief.vantage), brief.service, brief.feature
            if brief.target is None:
                if within(brief.at, *self._time):
                    self._features.add(feature)
            elif feature in self._features:
                first, last = text.find(_FROM), text.find(_TO)
                if 0 <= first < last:
                    self._least = min(self._least or last, last - first)
                    self._first = first
                    self._places.add(text[first:last])


def _block(file: BinaryIO) -> bytes:
    """The next lines, whole ones as far as the file has them."""
    block = file.read(_BLOCK)
    return block if block[-1:] in b"\n" else block + file.readline(LINE_LIMIT)


def _at_once(texts: Sequence[bytes], vantages: dict[bytes, Vantage]) -> Sequence[Brief] | None:
    """Lines of which each is a verdict; None where one of them is not."""
    joined = b"\n".join(texts)
    if b"}{" in joined:  # two on one line would make up for one that is none
        return None
    try:
        found = [_settled(line, vantages) for line in _DECODER.decode_lines(joined)]
    except (ValueError, RecursionError):
        return None
    return found if len(found) == len(texts) else None


def _settled(line: _Line, vantages: dict[bytes, Vantage]) -> Brief:
    """The line with its vantage read; ValueError where that or the time is no good."""
    raw = bytes(line.vantage)
    vantage = vantages.get(raw)
    if vantage is None:
        vantage = vantages[raw] = _VANTAGE.decode(raw)
    if line.at.tzinfo is not UTC:
        raise ValueError("the time is not in UTC")
    brief: Brief = line
    brief.vantage = vantage
    return brief
