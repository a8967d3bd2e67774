"""The style sheet: a file, and behind it a rule for each outcome's colour from the one palette."""

from typing import Final

from probe.core.model import Outcome
from probe.serve.board import PARTS
from probe.show.figures.palette import OUTCOMES

_WHITE: Final = frozenset({"down"})  # whose letter is white: its colour is dark
_GAPS: Final[tuple[Outcome, ...]] = ("inconclusive", "offline", "invalid")


def sheet(rest: bytes) -> bytes:
    """The whole sheet. ``--a`` is a cell's main colour, ``--b`` what stands above it, ``--s`` how
    high it is filled."""
    rules = []
    for outcome, look in OUTCOMES.items():
        ink = "#fff" if outcome in _WHITE else "#000"
        colour, letter = look.colour, ink
        if outcome == "ok":  # light on a light page, dark on a dark one
            colour, letter = "var(--ok)", "var(--ok-ink)"
        rules.append(f".a-{outcome} {{ --a: {colour}; --i: {letter}; }}")
        rules.append(f".b-{outcome} {{ --b: {colour}; }}")
    for outcome in _GAPS:
        rules.append(f".a-{outcome} {{ --a: var(--gap); --i: var(--ink); }}")
        rules.append(f".b-{outcome} {{ --b: var(--gap); }}")
    rules += [f".s-{part} {{ --s: {100 * part / PARTS:g}%; }}" for part in range(1, PARTS)]
    return rest + "\n".join(rules).encode() + b"\n"
