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
_OWN: Final = b',"target":null,'
_CLOSED: Final = b"}\n"  # what a whole line ends with
_AFTER: Final = 96  # bytes behind the shortest place: outcome, mechanism, rule; no identifiers yet
_MOST: Final = 4096  # windows that are kept
_before_end: Final = itemgetter(-2)


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
        self._targets = _Windows()  # of lines on targets that hold one of the places
        self._own = _Windows()  # of features' own lines

    def without(self, texts: Sequence[bytes]) -> Sequence[bytes]:
        """The lines that may count; what is left out was written whole, and is not decoded."""
        if not self._places:
            return texts
        if _all_closed(texts):
            texts = list(compress(texts, map(not_, self._targets.hold(texts))))
            own = zip(texts, self._own.hold(texts), strict=True)
            return [text for text, held in own if held or not self._known(text)]
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

    def _known(self, text: bytes) -> bool:
        first, last = text.find(_FROM), text.find(_TO)
        place = text[first:last]
        if place in self._places and text[-2:] == _CLOSED:
            self._targets.add(text, first, last)
            return True
        if _OWN in place:
            self._own.add(text, first, last)
        return False


def _all_closed(texts: Sequence[bytes]) -> bool:
    try:
        return bytes(map(_before_end, texts)) == _CLOSED[:1] * len(texts)
    except IndexError:  # an empty line
        return False


class _Windows:
    """What some lines have in one window; it reaches behind the shortest of their places."""

    def __init__(self) -> None:
        self._first = self._last = 0
        self._seen: set[bytes] = set()

    def hold(self, texts: Iterable[bytes]) -> Iterable[bool]:
        """Of each line, whether one with the same window was added."""
        return map(self._seen.__contains__, map(itemgetter(slice(self._first, self._last)), texts))

    def add(self, text: bytes, first: int, last: int) -> None:
        """Take a line whose place begins at ``first`` and ends at ``last``.

        Where the window would hold what each line has for itself, it is made narrower; a place
        that does not fit into it is not taken.
        """
        if first != self._first or last + _AFTER < self._last:
            self._first, self._last = first, last + _AFTER
            self._seen.clear()
        if last + len(_TO) <= self._last and len(self._seen) < _MOST:
            self._seen.add(text[first : self._last])
