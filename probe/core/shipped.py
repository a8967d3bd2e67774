"""Where the files that come with the program are: in the wheel, or beside the source."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def shipped(*parts: str) -> Path:
    """The path of a shipped configuration file or folder, e.g. ``shipped("services")``."""
    inside = _PACKAGE / "configs"
    root = inside if inside.is_dir() else _PACKAGE.parent / "configs"
    return root.joinpath(*parts)
