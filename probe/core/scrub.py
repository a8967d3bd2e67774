"""Takes addresses out of free text: a page or an error message may quote the vantage's own.

Headers, bodies and error texts come from servers, and some repeat the client's address. Until the
vantage's address is known, every address that is not the target's is replaced, also one in a
name, as in ``192-0-2-7.dsl.example``. A version number such as ``Chrome/99.0.0.0`` has an address's
shape and is kept.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from probe.core.masking import MASK
from probe.core.spellings import Spellings

SCRUBBED: Final = "[scrubbed]"
_SECRET: Final = 4  # characters of a secret that is worth the name
_SHORTEST: Final = 3  # characters of any address: "::1"

_PORT = r"(?P<port>:\d{1,5}(?!\d))?"
_V4: Final = re.compile(r"(?<![^\W_])(?<!\.)(?P<ip>\d{1,3}(?:\.\d{1,3}){3})(?![^\W_]|\.\d)" + _PORT)
# A word and a colon before an address, as in "client:2001:db8::1": no group of the address itself.
_LABEL: Final = "|".join([r"(?<=\w{5}:)", *(rf"(?<=[G-Zg-z_]\w{{{n}}}:)" for n in range(4))])
# Candidates only: ipaddress decides. At least two colons, so that 12:30 is never looked at. A
# single colon behind an address belongs to the sentence.
_V6: Final = re.compile(
    rf"(?:(?<![^\W_])(?<![:.])|{_LABEL})"
    r"(?P<ip>[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\d{0,3}(?:\.\d{1,3}){3})?)"
    r"(?:%\w+)?(?<![^:]:)(?![^\W_]|:[\w:])"
)
# An address in a host's name, as providers call their customers' lines: 192-0-2-7.dsl.example.
_NAMED: Final = re.compile(
    r"(?<!\d)(?P<ip>\d{1,3}(?P<sep>[-_])\d{1,3}(?P=sep)\d{1,3}(?P=sep)\d{1,3})"
    r"(?=[\w-]*\.[\w-]*[A-Za-z])(?!\d)"
)
_LEADING_ZEROS: Final = re.compile(r"\b0+(?=[0-9A-Fa-f])")
# What stands before a version: a product name and a slash (RFC 9110 section 10.1.5), or the word.
_VERSION: Final = re.compile(
    r"(?:(?:^|[\s(;,\"'=>])[A-Za-z][A-Za-z_+-]*/|\b(?:v|ver|version|release|build)[\s.:=]*)$",
    re.IGNORECASE,
)


class Scrubber:
    """Replaces addresses in text. ``keep`` are the target's own, which results show anyway."""

    def __init__(self, keep: Iterable[str] = (), secrets: Iterable[str] = ()) -> None:
        """Start with the target's addresses; ``hide`` adds the vantage's as they are learnt.

        ``secrets`` are what was sent to the target and may come back: they are masked. The
        shortest are none: they stand in every text.
        """
        self._secrets = {secret for secret in secrets if len(secret) >= _SECRET}
        self._keep = {_canonical(ip) for ip in keep}
        self._hide: set[str] = set()
        self._spelt: Spellings | None = None  # made when it is used, and anew after ``hide``

    def keep(self, ip: str) -> None:
        """Let an address of the target stand: it is in the results anyway.

        Not one that is known to be the vantage's own: a redirect may lead there.
        """
        if not self.owns(ip):
            self._keep.add(_canonical(ip))

    def owns(self, ip: str) -> bool:
        """Whether this is one of the vantage's own addresses, as far as they are known."""
        return _canonical(ip) in self._hide

    def hide(self, ip: str) -> None:
        """Replace this address wherever it stands, even where a version number could."""
        if not ipaddress.ip_address(ip).is_loopback:
            self._hide.add(_canonical(ip))
            self._spelt = None

    def text(self, text: str) -> str:
        """The text without addresses other than the target's."""
        text = _substituted(self._replace, self.own(text))
        named = text.count("-") >= 3 or text.count("_") >= 3
        return _NAMED.sub(self._replace_named, text) if named else text

    def own(self, text: str) -> str:
        """The text without the vantage's own addresses only, as far as they are known, however
        they are spelt; and without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        if not self._hide or len(text) < _SHORTEST:
            return text
        return self._own_spelt().replaced(_substituted(self._replace_own, text), SCRUBBED)

    def shows_own(self, data: bytes) -> bool:
        """Whether bytes that cannot be edited, as they are evidence, hold such an address, or a
        secret."""
        if any(secret.encode() in data for secret in self._secrets):
            return True
        return bool(self._hide) and self._own_spelt().within(data)

    def _own_spelt(self) -> Spellings:
        if self._spelt is None:
            self._spelt = _spellings(frozenset(self._hide - self._keep))
        return self._spelt

    def _replace_named(self, match: re.Match[str]) -> str:
        ip = _address(match["ip"].replace(match["sep"], "."))
        backwards = _address(".".join(reversed(match["ip"].split(match["sep"]))))
        kept = {ip, backwards} & self._keep - self._hide
        return match[0] if ip is None or kept else SCRUBBED

    def _replace(self, match: re.Match[str]) -> str:
        ip = _address(match["ip"])
        if ip is None:
            return match[0]
        if ip in self._hide - self._keep:
            return SCRUBBED
        before = match.string[max(0, match.start() - 40) : match.start()]
        if ip in self._keep or (":" not in ip and _VERSION.search(before)):
            return match[0]
        return SCRUBBED

    def _replace_own(self, match: re.Match[str]) -> str:
        return SCRUBBED if _address(match["ip"]) in self._hide - self._keep else match[0]


def _substituted(replace: Callable[[re.Match[str]], str], text: str) -> str:
    # Most texts cannot hold an address: to count its separators is cheaper than to search.
    if text.count(".") >= 3:
        text = _V4.sub(replace, text)
    return _V6.sub(replace, text) if text.count(":") >= 2 else text


@lru_cache(maxsize=16)  # a vantage has few, and they stay the same for long
def _spellings(ips: frozenset[str]) -> Spellings:
    return Spellings(ips)


def _address(text: str) -> str | None:
    try:
        return _canonical(text)
    except ValueError:
        return None


@lru_cache(maxsize=4096)  # of the same few, in every measurement
def _canonical(text: str) -> str:
    """One spelling for one address, whichever of its spellings a server chose."""
    ip = ipaddress.ip_address(_LEADING_ZEROS.sub("", text.partition("%")[0]))
    return str(getattr(ip, "ipv4_mapped", None) or ip)
