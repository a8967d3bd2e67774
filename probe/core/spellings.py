"""Every way in which text or bytes may spell one address: found only when one knows it.

Names of customers' lines spell it backwards or with dashes, URLs with percent signs, cookies in
base64, and a DNS answer as four or sixteen bytes.
"""

import base64
import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

# Between an address's parts: as it is written in text, in names, in URLs and in HTML.
_BETWEEN: Final = r"(?:[.:_-]|%(?:2[ed]|3a|5f)|&(?:#0*(?:46|58|45)|period|colon);|\[\.\])"
_SHORTEST: Final = 8  # characters of base64 that are no coincidence


class _Form(NamedTuple):
    """One way of writing; ``needles`` are in every text (in small letters) that is so written:
    to look for them costs a hundredth of what the pattern does."""

    needles: tuple[str, ...]
    pattern: re.Pattern[str]


class Spellings:
    """The spellings of some addresses."""

    def __init__(self, ips: Iterable[str]) -> None:
        """``ips`` in any spelling that ipaddress reads."""
        own = [ipaddress.ip_address(ip.partition("%")[0]) for ip in ips]
        self._packed = [ip.packed for ip in own]
        self._coded = {form for ip in own for form in _coded(str(ip))}
        self._forms = [form for ip in own for form in _forms(ip)]

    def replaced(self, text: str, by: str) -> str:
        """The text with each of them replaced."""
        for coded in self._coded:
            text = text.replace(coded, by)
        for form in self._found(text):
            text = form.pattern.sub(by, text)
        return text

    def within(self, data: bytes) -> bool:
        """Whether bytes hold one: as text in one or two bytes a character, or as it is on the wire,
        alone or as labels of a DNS name."""
        if any(packed in data for packed in self._packed):
            return True
        for view in (data, data.replace(b"\0", b""), _without_lengths(data)):
            text = view.decode("latin-1")
            if any(coded in text for coded in self._coded):
                return True
            if any(form.pattern.search(text) for form in self._found(text)):
                return True
        return False

    def _found(self, text: str) -> Iterator[_Form]:
        small = text.lower()
        for form in self._forms:
            for needle in form.needles:
                if needle not in small:
                    break
            else:
                yield form


def _without_lengths(data: bytes) -> bytes:
    """A DNS message with a full stop for every length before a label, and other control bytes."""
    return bytes(0x2E if byte < 0x2D else byte for byte in data)


def _forms(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Iterator[_Form]:
    digits = ip.packed.hex()
    yield _form([digits], digits)
    yield _form([str(int(ip))], str(int(ip)))
    if isinstance(ip, ipaddress.IPv4Address):
        octets = [str(octet) for octet in ip.packed]
        padded = [rf"0{{0,2}}{octet}" for octet in octets]
        yield _form(octets, _BETWEEN.join(padded))
        yield _form(octets, _BETWEEN.join(padded[::-1]))
        pairs = [f"{octet:02x}" for octet in ip.packed]
        yield _form(pairs, _BETWEEN.join(pairs))
        return
    groups = [digits[start : start + 4].lstrip("0") for start in range(0, 32, 4)]
    yield _form([group for group in groups if group], "|".join(_written(groups)))
    for order in (digits, digits[::-1]):
        for between in ".-_":
            yield _form([between.join(order)], re.escape(between.join(order)))


def _form(needles: Iterable[str], pattern: str) -> _Form:
    """A number that goes on is another number."""
    bounded = rf"(?<![0-9a-f])(?:0x)?(?:{pattern})(?![0-9a-f])"
    return _Form(tuple(needles), re.compile(bounded, re.IGNORECASE))


def _written(groups: list[str]) -> Iterator[str]:
    """An IPv6 address by its groups, and with each run of zeros left out."""
    each = [rf"0{{0,{4 - len(group)}}}{group}" if group else "0{1,4}" for group in groups]
    yield _BETWEEN.join(each)
    for start in range(8):
        for end in range(start + 1, 9):
            if any(groups[start:end]):
                break
            left, right = _BETWEEN.join(each[:start]), _BETWEEN.join(each[end:])
            yield f"{left}{_BETWEEN}{_BETWEEN}{right}"


def _coded(text: str) -> Iterator[str]:
    """What base64 makes of the text wherever it stands in a longer one (three alignments)."""
    for shift in range(3):
        raw = base64.b64encode(b"\0" * shift + text.encode()).decode()
        # The first characters hold the shift's bits too, and the last ones what follows.
        start = (shift * 8 + 5) // 6
        whole = (shift + len(text)) * 8 // 6
        if whole - start >= _SHORTEST:
            yield raw[start:whole]
