"""The documents, and what stands in them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def section(page: str, heading: str) -> str:
    """From a heading to the next one of its level or above."""
    level = heading.partition(" ")[0]
    found = re.search(
        rf"(?ms)^{re.escape(heading)}.*?$(.*?)(?=^#{{1,{len(level)}}} |\Z)", text(page)
    )
    assert found, f"{page} has no '{heading}'"
    return found[0]


def blocks(source: str, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", source)


def code(source: str) -> list[str]:
    """What stands between backticks in running text."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```", "", source))


def words(source: str) -> set[str]:
    """All names in inline code."""
    return {word for piece in code(source) for word in re.findall(r"[\w.-]+", piece)}
