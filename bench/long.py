"""What takes long: python bench/long.py [--quick] [--write] [soak|kills|year ...]

Ten minutes in real time, two hundred kills, and a year in virtual time; docs/benchmarks.md.
"""

import argparse
import sys
from typing import Final

import kills
import soak
import year
from run import machine
from table import write

_BEGIN: Final = "<!-- long runs: written by bench/long.py --write -->"
_END: Final = "<!-- end of long runs -->"
_PARTS: Final = {
    "soak": lambda quick: soak.sections(200, 1) if quick else soak.sections(1000, 10),
    "kills": lambda quick: kills.sections(10 if quick else 200),
    "year": lambda quick: year.sections(20, "12h", 30) if quick else year.sections(200, "12h", 365),
}


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes, and rougher")
    parser.add_argument("--write", action="store_true", help="put it into docs/benchmarks.md")
    parser.add_argument("parts", nargs="*", choices=[[], *_PARTS])
    args = parser.parse_args()
    command = " ".join(["python bench/long.py", *(["--quick"] if args.quick else []), *args.parts])
    texts = [machine(command)]
    print(texts[0])
    for name in args.parts or _PARTS:
        print(f"measuring: {name} …", file=sys.stderr, flush=True)
        for section in _PARTS[name](args.quick):
            texts.append(str(section))
            print(section, flush=True)
    if args.write:
        write("\n".join(texts), _BEGIN, _END)


if __name__ == "__main__":
    main()
