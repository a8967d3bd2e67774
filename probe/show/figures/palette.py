"""Colours that colour-blind readers can tell apart, and hatches that survive a grey print.

The colours are those of M. Okabe and K. Ito, Color Universal Design (2008); what works is a tint of
their sky blue, so that it is light in grey, too.
"""

from dataclasses import dataclass
from typing import Final

from probe.core.model import Outcome

INK: Final = "#1a1a1a"
QUIET: Final = "#6b6b6b"
RULE: Final = "#c9c9c9"
LINE: Final = "#0072B2"
BAND: Final = "#d3e5f2"  # far lighter than the line: it is the doubt about it, not a failure
MARK: Final = "#E69F00"
WINDOW: Final = "#F0E442"

_ORANGE, _SKY, _GREEN, _YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
_BLUE, _VERMILION, _PURPLE = "#0072B2", "#D55E00", "#CC79A7"


@dataclass(frozen=True, slots=True)
class Look:
    """A fill colour, and a hatch over it; none where it is empty."""

    colour: str
    hatch: str = ""


# No hatch has dots or circles: each of them is four curves, and a file grows tenfold.
# In the order in which they are stacked from below: what accuses most stands at the bottom.
OUTCOMES: Final[dict[Outcome, Look]] = {
    "blocked": Look(_VERMILION),
    "degraded": Look(_ORANGE, "\\\\\\\\"),
    "denied": Look(_PURPLE, "xxxx"),
    "down": Look(_BLUE, "----"),
    "unreachable": Look(_YELLOW, "////"),
    "ok": Look("#cfe8f8"),
}
GAP: Final = Look("#ffffff", "xxx")  # it ran, and nothing could be concluded
MISSING: Final = Look("#ffffff")  # nothing ran

PARTS: Final = (
    Look(_VERMILION),
    Look(_SKY, "////"),
    Look(_GREEN, "\\\\\\\\"),
    Look(_YELLOW, "xxxx"),
    Look(_BLUE, "----"),
    Look(_PURPLE, "||||"),
    Look(_ORANGE, "++"),
)
OTHER: Final = Look("#999999")
UNNAMED: Final = Look("#ffffff", "////")
