"""How much an installation takes on disk: a fresh virtual environment with what is required."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from servers import NotMeasuredError
from table import Section, Target

ROOT: Final = Path(__file__).resolve().parent.parent
BUDGET: Final = 140.0  # MB, of a million bytes
_TOOLS: Final = ("pip", "setuptools")  # what venv itself puts into an environment
_SHOWN: Final = 8  # packages, the biggest first


def sections() -> list[Section]:
    """Install requirements.txt by its hashes into a temporary folder, and look."""
    with tempfile.TemporaryDirectory(prefix="probe-bench-") as name:
        folder = Path(name) / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        _install(folder)
        total = _megabytes(path for path in folder.rglob("*"))
        (packages,) = folder.glob("lib/python*/site-packages")
        sizes = {
            found.metadata["Name"]: _megabytes(_files(found))
            for found in distributions(path=[str(packages)])
        }
    own = _megabytes(path for part in ("probe", "configs") for path in (ROOT / part).rglob("*"))
    biggest = sorted(sizes.items(), key=lambda item: -item[1])
    rows = [(package, f"{size:.1f}") for package, size in biggest[:_SHOWN]]
    rest = sum(size for _, size in biggest[_SHOWN:])
    tools = sum(sizes.get(tool, 0.0) for tool in _TOOLS)
    rows += [
        (f"{len(biggest) - _SHOWN} more packages", f"{rest:.1f}"),
        ("the program itself", f"{own:.1f}"),
        ("all of it, on disk", f"{total + own:.1f}"),
        ("the same without pip and setuptools", f"{total + own - tools:.1f}"),
    ]
    # Python puts these two into every environment; the program neither needs nor brings them.
    figure = total + own - tools
    budget = Target(what="installed size", figure=figure, limit=BUDGET, unit="MB")
    return [
        Section(
            title="Installed size, from requirements.txt into a fresh environment",
            columns=("", "MB"),
            rows=tuple(rows),
            targets=(budget,),
        )
    ]


def _install(folder: Path) -> None:
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    command += ["--require-hashes", "-r", str(ROOT / "requirements.txt")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise NotMeasuredError(f"pip could not install the requirements: {last[:200]}")


def _files(package: Distribution) -> Iterable[Path]:
    return (Path(str(package.locate_file(file))) for file in package.files or ())


def _megabytes(paths: Iterable[Path]) -> float:
    """What the files take on disk, in whole blocks, each once."""
    blocks = {
        path.resolve(): path.stat().st_blocks
        for path in paths
        if path.is_file() and not path.is_symlink()
    }
    return sum(blocks.values()) * 512 / 1e6
