"""What an HTTP answer was, and whether the answer elsewhere was another one.

Everything here was written by whoever answered, so nothing is believed and all work is bounded:
at most 32 KiB of a body are looked at, and only character sets from a list are decoded.
"""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from probe.core.model import JSON, Measurement
from probe.judge.deciding import deciding

LOOKED_AT: Final = 32 * 1024  # bytes of a body, as many as are kept
# One minus 30 %: with this tolerance page length alone told block pages apart with 95.0 % true and
# 1.4 % false positives (Jones et al. 2014, "Automated Detection and Fingerprinting of Censorship
# Block Pages"). OONI's web_connectivity (ts-017) takes the same: a ratio above 0.7 is a match.
ALIKE: Final = 0.7

_TITLE: Final = re.compile(r"<title\b[^>]{0,200}>([^<]{0,1000})", re.IGNORECASE)
_CHARSET: Final = re.compile(
    r"charset[\t ]{0,8}=[\t ]{0,8}[\"']?([A-Za-z0-9_-]{2,20})", re.IGNORECASE
)
_MARKUP: Final = 1024  # bytes in which a page names its own character set (HTML, 13.2.3.2)
_MAX_LENGTH: Final = 15  # digits
# Python knows codecs that are no character sets, and some whose work grows with the square.
_CHARSETS: Final = frozenset(
    {
        *(f"windows-{number}" for number in (874, *range(1250, 1259))),
        *(f"iso-8859-{number}" for number in range(1, 17) if number != 12),
        *("koi8-r", "koi8-u", "tis-620", "gbk", "gb2312", "gb18030", "big5", "shift_jis"),
        *("euc-jp", "euc-kr"),
    }
)


@dataclass(frozen=True)
class PageFacts:
    """One HTTP answer.

    ``headers`` have lower-case names; where redirects were followed, their ``location`` headers
    stand before those of the last answer. ``body`` is what was kept of it (empty if nothing),
    ``length`` the whole body's size in bytes, if that is known.
    """

    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: bytes
    length: int | None

    @cached_property
    def text(self) -> str:
        """The kept body as text, in the character set that it claims, else UTF-8."""
        body = self.body[:LOOKED_AT]
        claims = [*self.header("content-type"), body[:_MARKUP].decode("latin-1")]
        for claim in claims:
            named = _CHARSET.search(claim[:LOOKED_AT])
            if named:
                charset = named[1].lower()
                return body.decode(charset if charset in _CHARSETS else "utf-8", "replace")
        return body.decode("utf-8", "replace")

    @cached_property
    def title(self) -> str:
        """The HTML title without entities and with single blanks; empty if there is none."""
        found = _TITLE.search(self.text)
        return " ".join(html.unescape(found[1]).split()) if found else ""

    @property
    def location_host(self) -> str | None:
        """Where the (first) redirect leads: a name or address in lower case."""
        for value in self.header("location"):
            try:
                return urlsplit(value.strip()).hostname
            except ValueError:
                return None
        return None

    def header(self, name: str) -> tuple[str, ...]:
        """All values of a header, by its lower-case name."""
        return tuple(value for key, value in self.headers if key == name)


def page_of(measurement: Measurement, bodies: Mapping[str, bytes]) -> PageFacts | None:
    """The answer of the transaction that decides; None if it did not come to one.

    ``bodies`` holds kept page texts by their SHA-256.
    """
    decided = deciding(measurement)
    responses = [s for s in (decided.steps if decided else ()) if s.op == "http_response"]
    if decided is None or not responses or not _is_number(responses[-1].detail.get("status")):
        return None
    last = responses[-1]
    followed = [
        pair
        for response in responses[:-1]
        for pair in _pairs(response.detail.get("headers"))
        if pair[0] == "location"
    ]
    headers = _pairs(last.detail.get("headers"))
    steps = decided.steps[decided.steps.index(last) :]
    transfer = next((step.detail for step in steps if step.op == "transfer"), {})
    digest = transfer.get("body")
    return PageFacts(
        status=last.detail["status"],
        headers=(*followed, *headers),
        body=bodies.get(digest, b"") if isinstance(digest, str) else b"",
        length=_length(transfer, headers),
    )


def differs(here: PageFacts, there: PageFacts) -> bool | None:
    """Whether these are answers of different kinds; None if too little is known to say.

    They are the same if their status is, and their lengths or titles are alike; different only if
    neither length nor title is. Sites give different statuses to different visitors, so the status
    alone never tells.
    """
    length, title = _lengths_alike(here, there), _titles_alike(here, there)
    if length or title:
        return False if here.status is not None and here.status == there.status else None
    return True if length is False and title is False else None


def alike(here: PageFacts, there: PageFacts) -> bool:
    """Whether nothing that is known tells two answers apart: status, length and title agree."""
    known = (_lengths_alike(here, there), _titles_alike(here, there))
    return here.status == there.status and False not in known


def _lengths_alike(here: PageFacts, there: PageFacts) -> bool | None:
    if here.length is None or there.length is None:
        return None
    longer = max(here.length, there.length)
    return longer == 0 or min(here.length, there.length) / longer > ALIKE


def _titles_alike(here: PageFacts, there: PageFacts) -> bool | None:
    """Two pages without a title agree in nothing; where a body was not kept, nothing is known."""
    if not all(page.body or page.length == 0 for page in (here, there)):
        return None
    return here.title == there.title and here.title != ""


def _length(transfer: Mapping[str, JSON], headers: Iterable[tuple[str, str]]) -> int | None:
    if transfer.get("complete") is True and _is_number(transfer.get("bytes")):
        return int(transfer["bytes"])
    claimed = next((value.strip() for name, value in headers if name == "content-length"), "")
    fits = claimed.isascii() and claimed.isdigit() and len(claimed) <= _MAX_LENGTH
    return int(claimed) if fits else None


def _pairs(headers: JSON) -> list[tuple[str, str]]:
    """Headers as measurements hold them; what is none is left out."""
    found = []
    for pair in headers if isinstance(headers, list | tuple) else ():
        if isinstance(pair, list | tuple) and len(pair) == 2:
            name, value = pair
            if isinstance(name, str) and isinstance(value, str):
                found.append((name.lower(), value))
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
