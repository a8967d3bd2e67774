"""Services by the names that datasets use, as the results call them."""

from collections.abc import Iterable
from typing import Final

# What test of OONI's is about which service.
TESTS: Final = {
    "whatsapp": "whatsapp",
    "telegram": "telegram",
    "signal": "signal",
    "facebook_messenger": "facebook-messenger",
}
_NAMES: Final = {
    "facebook messenger": "facebook-messenger",
    "messenger": "facebook-messenger",
    "x": "twitter",
    "x (twitter)": "twitter",
    "x (formerly twitter)": "twitter",
    "twitter/x": "twitter",
    "whats app": "whatsapp",
    "tik tok": "tiktok",
    "clubhouse app": "clubhouse",
    "face book": "facebook",
    "you tube": "youtube",
}
_NOTHING: Final = frozenset(
    {"", "none", "no", "n/a", "na", "unknown", "all", "other", "others", "-"}
)


def named(cells: Iterable[str]) -> list[str]:
    """The services that cells list, each in one word; without doubles, in order."""
    found: dict[str, None] = {}
    for cell in cells:
        for part in cell.replace(";", ",").replace(" and ", ",").split(","):
            name = " ".join(part.casefold().split())
            if name not in _NOTHING:
                found.setdefault(_NAMES.get(name, "-".join(name.split())))
    return list(found)
