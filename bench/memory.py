"""How much memory an export takes, by the script that also serves alone: export_memory.py."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from table import Section, Target

LIMIT: Final = 300.0  # MB, of a million bytes
_SCRIPT: Final = Path(__file__).with_name("export_memory.py")


def sections(count: int) -> list[Section]:
    """Export ``count`` measurements of one day."""
    said = subprocess.run(
        [sys.executable, str(_SCRIPT), str(count)], check=True, capture_output=True, text=True
    ).stdout
    peak = re.search(r"^peak\s+([\d.]+) MiB", said, re.MULTILINE)
    if peak is None:
        raise RuntimeError(f"{_SCRIPT.name} said: {said[-200:]}")
    told = (line.partition("  ") for line in said.splitlines())
    rows = tuple((word.strip(), rest.strip()) for word, _, rest in told)
    figure = float(peak[1]) * 1.048576
    return [
        Section(
            title=f"probe export --format csv, {count} measurements",
            rows=rows,
            targets=(Target(what="peak memory", figure=figure, limit=LIMIT, unit="MB"),),
        )
    ]
