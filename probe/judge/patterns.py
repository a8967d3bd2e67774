"""Which regular expressions may be let loose on pages that strangers write.

Python's engine backtracks: ``(a+)+b`` on a page full of ``a`` takes for ever. So only those pass
whose work at one place of a text is bounded, and by little.
"""

import re
from collections.abc import Iterator
from typing import Final

_MAX_BRANCHES: Final = 512  # ways to go on from one place of a text, multiplied
_QUANTIFIER: Final = re.compile(r"\{(\d{1,3})(?:,(\d{1,3}))?\}")
# What a later Python may read as an operation on sets; it warns of them today.
_SET_OPERATION: Final = re.compile(r"(?<!\\)\[|--|&&|~~|\|\|")
_TOKEN: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d{1,3}(?:,\d{1,3})?\}|\(\?:|\(\?|.", re.DOTALL
)


def refuse_slow(pattern: str) -> None:
    """Raise ValueError, which says what is in the way, for an expression that could take long.

    No quantifier without an upper bound, none after a group but ``?``, no references and no
    look-around.
    """
    branches = 1
    for part, before in _parts(pattern):
        quantifier = _QUANTIFIER.fullmatch(part)
        if part in "*+{":
            raise ValueError("repeat with an upper bound, as in [^<]{0,80}, instead of * and +")
        if part == "(?":
            raise ValueError("of groups with (? only (?:…) is allowed")
        if len(part) == 2 and part[0] == "\\" and part[1].isdigit():
            raise ValueError("no references to groups")
        if part == "[":
            raise ValueError("a set that does not end")
        if part[0] == "[" and _SET_OPERATION.search(part, 1):
            raise ValueError("inside a set write \\[ for a bracket, and no sign twice")
        if quantifier:
            if before == ")":
                raise ValueError("a group cannot be repeated; '?' may follow it")
            least, most = int(quantifier[1]), int(quantifier[2] or quantifier[1])
            branches *= max(1, most - least + 1)
        elif part in "|?":
            branches *= 2
        if branches > _MAX_BRANCHES:
            raise ValueError("could take too long: use fewer or smaller repetitions and choices")


def _parts(pattern: str) -> Iterator[tuple[str, str]]:
    """What an expression consists of, as far as it matters here, each with what stands before."""
    before = ""
    for found in _TOKEN.finditer(pattern):
        yield found[0], before
        before = found[0]
