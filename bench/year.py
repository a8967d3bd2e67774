"""A year of a probe's life in virtual time: python bench/year.py [--every 12h] [--days 365]

The whole service over a scripted network: every few days it is stopped and started again, the clock
is set, the vantage's line breaks, the disk fills up. Says whether every turn is accounted for.
"""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from table import Section, Target

_TESTS: Final = Path(__file__).resolve().parent.parent / "tests"
_MIB: Final = 1024**2


def sections(targets: int, every: str, days: float) -> list[Section]:
    """Live through it, here and now."""
    sys.path.insert(0, str(_TESTS))
    from support.year import Life

    from probe.run.resources import resident

    logging.getLogger("probe.run").setLevel(logging.CRITICAL)
    before = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder), targets, every, days)
        tally = life.live(resident)
    took = time.process_time() - before
    months = life.monthly or [resident()]
    early, late = months[len(months) // 4], months[-1]
    rows = (
        ("starts", f"{life.runs}"),
        ("leaps of the clock of more than 5 s", f"{tally.events['clock_jump']}"),
        ("changes of the vantage's state", f"{tally.events['health']}"),
        ("times without room on the disk", f"{tally.events['disk_full']}"),
        ("turns", f"{life.expected}"),
        ("  measured", f"{tally.measured}"),
        ("    of them made up for after a start", f"{tally.made_up}"),
        ("  told as missed", f"{tally.told['missed']}"),
        ("  told as skipped", f"{tally.told['skipped']}"),
        ("  left out for want of room", f"{tally.told['left out']}"),
        (
            "memory after a quarter of it, and at its end",
            f"{early / _MIB:.1f}, {late / _MIB:.1f} MiB",
        ),
        ("processor time", f"{took:.0f} s"),
    )
    return [
        Section(
            title=f"A year of {targets} targets, one turn in {every}, in virtual time"
            if days == 365
            else f"{days:g} days of {targets} targets, one turn in {every}, in virtual time",
            rows=rows,
            targets=(
                Target(
                    what="turns unaccounted for",
                    figure=abs(life.expected - tally.accounted),
                    limit=0,
                    unit="turns",
                ),
                Target(what="turns measured twice", figure=tally.doubled, limit=0, unit="turns"),
                Target(what="latest start after its turn", figure=tally.late, limit=1, unit="s"),
                Target(
                    what="memory grown since the first quarter",
                    figure=(late - early) / _MIB,
                    limit=10,
                    unit="MiB",
                ),
            ),
        )
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--every", default="12h")
    parser.add_argument("--days", type=float, default=365)
    args = parser.parse_args()
    print(*sections(args.targets, args.every, args.days), sep="\n")


if __name__ == "__main__":
    main()
