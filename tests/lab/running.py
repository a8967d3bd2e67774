"""A program of the laboratory that runs in a namespace and is told things in lines of text."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
PROJECT: Final = TESTS.parent
STARTING: Final = 60.0  # seconds, on a busy machine
STOPPING: Final = 20.0


class Failed(RuntimeError):  # noqa: N818
    """A program ended, or did not answer in time; the text has what it wrote to its log."""


def environment() -> dict[str, str]:
    """This process's, with the source and the tests in reach."""
    return {**os.environ, "PYTHONPATH": f"{PROJECT}:{TESTS}", "PYTHONDONTWRITEBYTECODE": "1"}


def python(module: str, *arguments: str) -> list[str]:
    """The words that run one of the laboratory's modules."""
    return [sys.executable, "-m", module, *arguments]


class Program:
    """A child process; it ends when this process does, however that happens."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._log = log
        with log.open("ab") as written:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=written,
                cwd=PROJECT,
                env=environment(),
            )
        self._heard = b""

    def hear(self, within: float = STARTING) -> str:
        """The next line that it writes; Failed if none comes."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + within
        fileno = self.process.stdout.fileno()
        while b"\n" not in self._heard:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fileno], [], [], left)[0]:
                raise self.failed("did not answer")
            more = os.read(fileno, 1 << 20)
            if not more:
                raise self.failed("ended")
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def tell(self, line: str, within: float = STARTING) -> str:
        """Write a line, and return its answer."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.failed("ended") from None
        return self.hear(within)

    def failed(self, how: str) -> Failed:
        """The error that says so, with the end of the log."""
        said = self._log.read_text(errors="replace")[-4000:]
        return Failed(f"{self.process.args!r} {how}:\n{said}")

    def close(self) -> None:
        """End it and wait for it."""
        self.process.terminate()
        try:
            self.process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()
