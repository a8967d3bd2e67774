"""Which lines on targets count for nothing, because their feature has a verdict of its own.

Those are most lines of most files. They are told apart by their bytes, which is much quicker than
decoding them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import compress
from operator import itemgetter, not_
from typing import Final

from probe.record.brief import Brief
from probe.record.scan import within

# Between these the codec writes where it was measured and what: strings there hold no bare quote.
_FROM: Final = b',"vantage":{'
_TO: Final = b',"outcome":'
_CLOSED: Final = b"}"  # what a whole line ends with
_AFTER: Final = 96  # bytes behind the shortest place: outcome, mechanism, rule; no identifiers yet
_MOST: Final = 4096  # windows that are kept
_end: Final = itemgetter(slice(-1, None))


class Spoken:
    """Features that have had a verdict of their own in a time; None leaves that side open.

    A line's *place* is what stands from its vantage to its URL. It is found by searching in the
    line; and because identifiers and times are of one length, nearly every place begins where the
    last one did: so the same bytes at the same *window* of the line, if they hold a whole place,
    hold the same one. Looking there needs no Python code for each line.
    """

    def __init__(self, since: datetime | None, until: datetime | None) -> None:
        """Nothing is known yet."""
        self._time = since, until
        self._features: set[tuple[int, str, str]] = set()
        self._places: set[bytes] = set()
        self._windows: set[bytes] = set()  # those seen that hold one of the places
        self._first = self._last = 0

    def without(self, texts: Sequence[bytes]) -> Sequence[bytes]:
        """The lines that may count; what is left out was written whole, and is not decoded."""
        if not self._places:
            return texts
        if b"".join(map(_end, texts)) == _CLOSED * len(texts):
            windows = map(itemgetter(slice(self._first, self._last)), texts)
            texts = list(compress(texts, map(not_, map(self._windows.__contains__, windows))))
        return [text for text in texts if not self._known(text)]

    def learn(self, found: Sequence[Brief], texts: Iterable[bytes]) -> None:
        """See which lines need not be read any more; a vantage is known by its one object."""
        for brief, text in zip(found, texts, strict=True):
            feature = id(brief.vantage), brief.service, brief.feature
            if feature not in self._features:
                if brief.target is None and within(brief.at, *self._time):
                    self._features.add(feature)
            elif brief.target is not None:
                first, last = text.find(_FROM), text.find(_TO)
                if 0 <= first < last:
                    self._places.add(text[first:last])
                    self._look_at(first, last + _AFTER)

    def _known(self, text: bytes) -> bool:
        first, last = text.find(_FROM), text.find(_TO)
        if text[first:last] not in self._places or text[-1:] != _CLOSED:
            return False
        if first == self._first and last + len(_TO) <= self._last and len(self._windows) < _MOST:
            self._windows.add(text[first : self._last])
        return True

    def _look_at(self, first: int, last: int) -> None:
        """Windows end behind the shortest place, or they would hold what each line has alone."""
        if first != self._first or last < self._last:
            self._first, self._last = first, last
            self._windows.clear()
