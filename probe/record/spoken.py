"""Reads the lines of a file of verdicts without decoding most of them.

Most say word for word what an earlier one said, but for their identifiers and their time; and
most are on targets whose feature has a verdict of its own, and count for nothing. Both are told
by their bytes, which is much quicker than decoding them.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import compress
from operator import itemgetter, not_
from typing import Final, Generic, TypeVar

import msgspec

from probe.core.model import Vantage
from probe.record.alike import Gathering
from probe.record.brief import Brief, at_once

# Between these the codec writes where it was measured and what: strings there hold no bare quote.
_FROM: Final = b',"vantage":{'
_TO: Final = b',"outcome":'
_SAID: Final = b',"locus":'  # mechanism and outcome, all that counts behind the place, end here
_ANOTHER: Final = b'{"id":"'  # behind a vantage: a second record on the line, which makes it none
_CLOSED: Final = b"}"  # what a whole line ends with, and its newline
_AFTER: Final = 96  # bytes behind the shortest place: outcome, mechanism, rule; no identifiers yet
_MOST: Final = 4096  # windows that are kept
_before_end: Final = itemgetter(-2)

_Known = TypeVar("_Known")
_Sink = Callable[[float], None]  # takes the times of what says the same


class _Head(msgspec.Struct, gc=False):
    """What stands before the vantage: identifiers, which are skipped, and the time."""

    at: datetime


_HEADS: Final = msgspec.json.Decoder(list[_Head])


class Spoken:
    """Takes in a file's lines, some at a time, all of its vantages in ``vantages``.

    A line's *place* is what stands from its vantage to its URL. It is found by searching in the
    line; and because identifiers and times are of one length, nearly every place begins where the
    last one did: so the same bytes at the same *window* of the line, if they hold a whole place,
    hold the same one. Looking there needs next to no Python code for each line.
    """

    def __init__(self, gathering: Gathering, vantages: dict[bytes, Vantage]) -> None:
        """What counts goes into ``gathering``; nothing is known yet."""
        self._gathering = gathering
        self._vantages = vantages
        self._features: set[tuple[int, str, str]] = set()  # that have had a verdict of their own
        self._places: set[bytes] = set()  # of their targets
        self._targets: _Windows[bool] = _Windows()  # of lines that hold one of those places
        self._own: _Windows[_Sink] = _Windows()  # of features' own lines

    def take(self, texts: Sequence[bytes]) -> bool:
        """Take in whole lines; False, and none of them is, if one is no verdict.

        Lines on targets that are left out were written whole, and their identifiers are not looked
        at.
        """
        rest, heads, sinks = self._sorted_out(texts)
        found, moments = at_once(rest, self._vantages), _moments(heads)
        if found is None or moments is None:
            return False
        for sink, moment in zip(sinks, moments, strict=True):
            sink(moment)
        self._gathering.add(found)
        for brief, text in zip(found, rest, strict=True):
            self._learn(brief, text)
        return True

    def _sorted_out(
        self, texts: Sequence[bytes]
    ) -> tuple[Sequence[bytes], list[bytes], list[_Sink]]:
        """The lines to decode; of those that need not be, but count, what stands before the window,
        and what takes their times."""
        rest: list[bytes] = []
        heads: list[bytes] = []
        sinks: list[_Sink] = []
        if not _all_closed(texts):
            return texts, heads, sinks
        texts = list(compress(texts, map(not_, self._targets.look(texts))))
        head, behind = slice(self._own.first), self._own.last
        for text, sink in zip(texts, self._own.look(texts), strict=True):
            if sink and text.find(_ANOTHER, behind) < 0:
                heads.append(text[head])
                sinks.append(sink)
            elif not self._counts_not(text):
                rest.append(text)
        return rest, heads, sinks

    def _counts_not(self, text: bytes) -> bool:
        """Whether it is on a target whose feature speaks for itself."""
        if not self._places:
            return False
        first, last = text.find(_FROM), text.find(_TO)
        if text[first:last] not in self._places:
            return False
        self._targets.add(text, first, last, last + len(_TO), True)
        return True

    def _learn(self, brief: Brief, text: bytes) -> None:
        """See which lines need not be decoded any more."""
        feature = id(brief.vantage), brief.service, brief.feature
        first, last = text.find(_FROM), text.find(_TO)
        if not 0 <= first < last:
            return
        if brief.target is None:
            if self._gathering.wants(brief.at):
                self._features.add(feature)
            said = text.find(_SAID, last)
            if said >= 0:
                sink = self._gathering.like(brief).times.append
                self._own.add(text, first, last, said + len(_SAID), sink)
        elif feature in self._features:
            self._places.add(text[first:last])


def _moments(heads: Sequence[bytes]) -> Sequence[float] | None:
    """The times in the beginnings of lines, in Unix seconds; None where one of them is none."""
    if not heads:
        return ()
    try:
        found = _HEADS.decode(b"[" + b"},".join(heads) + b"}]")
    except ValueError:
        return None
    if len(found) != len(heads) or any(one.at.tzinfo is not UTC for one in found):
        return None
    return [one.at.timestamp() for one in found]


def _all_closed(texts: Sequence[bytes]) -> bool:
    try:
        return bytes(map(_before_end, texts)) == _CLOSED * len(texts)
    except IndexError:  # an empty line
        return False


class _Windows(Generic[_Known]):
    """What is known of lines by what they have in one window, which reaches behind the shortest of
    their places."""

    def __init__(self) -> None:
        self.first = self.last = 0  # where the window lies
        self._seen: dict[bytes, _Known] = {}

    def look(self, texts: Sequence[bytes]) -> Iterator[_Known | None]:
        """Of each line, what was added with the same window; to be read before more is added."""
        return map(self._seen.get, map(itemgetter(slice(self.first, self.last)), texts))

    def add(self, text: bytes, first: int, last: int, needed: int, known: _Known) -> None:
        """Take a line whose place begins at ``first`` and ends at ``last``.

        Where the window would hold what each line has for itself, it is made narrower; a line
        whose first ``needed`` bytes it does not hold is not taken.
        """
        if first != self.first or last + _AFTER < self.last:
            self.first, self.last = first, last + _AFTER
            self._seen.clear()
        if needed <= self.last and len(self._seen) < _MOST:
            self._seen[text[first : self.last]] = known
