"""The program as a user runs it: a process of its own, in a folder of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.cells import cell_len

PROJECT: Final = Path(__file__).parents[2]
PROBE: Final = (sys.executable, "-m", "probe")
# What would change how the program looks, and is not the test's to decide.
_FOREIGN: Final = ("NO_COLOR", "FORCE_COLOR", "PROBE_DEBUG", "LINES", "TERM")


# Nothing but the targets is measured.
ALONE: Final = "anchors: {international: [], domestic: []}\n"


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def widest(self) -> int:
        """Columns that the widest line of standard output takes on a terminal."""
        return max(map(cell_len, self.out.splitlines()), default=0)


Run = Callable[..., Done]


def one_line(done: Done, code: int, *said: str) -> None:
    """Assert that nothing but one line came, on standard error, and that it says this."""
    assert done.code == code, done
    assert done.out == "", done
    assert done.err.startswith("probe: "), done
    assert done.err.count("\n") == 1, done
    for text in said:
        assert text in done.err, done


def wait_until(there: Callable[[], object], within: float = 50) -> None:
    """Look again and again; what another process does comes without a word."""
    deadline = time.monotonic() + within
    while not there():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def environment(**more: str) -> dict[str, str]:
    """A terminal of 80 columns, the source in reach, and nothing of the caller's taste."""
    own = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {**own, "COLUMNS": "80", "PYTHONPATH": os.fspath(PROJECT), **more}


class Command:
    """Runs ``probe`` in a folder; ``trusted`` is a file of further authorities for TLS."""

    def __init__(self, folder: Path, trusted: str) -> None:
        self.folder = folder
        self._trusted = trusted
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(
        self, *arguments: str | Path, before: tuple[str, ...] = (), within: float = 100, **how: Any
    ) -> Done:
        """Run it to its end. ``before`` are words of a command that it is run by."""
        return self.run(*before, *PROBE, *arguments, within=within, **how)

    def run(self, *command: str | Path, within: float = 100, **how: Any) -> Done:
        """Run any command in the same way."""
        process = self.start(*command, **how)
        out, err = process.communicate(timeout=within)
        return Done(process.returncode, (out or b"").decode(), (err or b"").decode())

    def start(self, *command: str | Path, **how: Any) -> "subprocess.Popen[bytes]":
        """Start any command; ``how`` are Popen's own arguments, and ``env`` adds to the usual."""
        more = {"SSL_CERT_FILE": self._trusted, **how.pop("env", {})}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
        words = [os.fspath(word) for word in command]
        process = subprocess.Popen(words, cwd=self.folder, env=environment(**more), **streams)
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what a test that failed has left running."""
        for process in self._started:
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()

    def configure(self, *targets: str, name: str = "probe.yaml", **more: str) -> str:
        """Write a configuration with these targets, the inside of a YAML mapping each; its name."""
        rest = "".join(f"{key}: {value}\n" for key, value in more.items())
        listed = "".join(f"  - {{{target}}}\n" for target in targets)
        (self.folder / name).write_text(f"{ALONE}{rest}targets:\n{listed}", encoding="utf-8")
        return name

    def stored(self, files: str = "results/????-*.jsonl") -> list[dict[str, Any]]:
        """The whole lines of these files below the folder."""
        texts = [path.read_text() for path in sorted(self.folder.glob(files))]
        return [
            json.loads(line)
            for text in texts
            for line in text.splitlines(keepends=True)
            if line.endswith("\n")
        ]
