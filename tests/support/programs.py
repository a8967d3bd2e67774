"""Real servers: a program that is run in the foreground, waited for, and stopped by its own id.

    with running([program("openvpn"), ...], log, says("Initialization Sequence Completed")):
        ...

All that it writes goes to its log. Its end is shown when it does not get ready, and as a note to
whatever a test that uses it fails with. What a program listens on belongs to loopback or to a
network namespace that the test itself made.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

HERE: Final = "127.0.0.1"
STARTING: Final = 60.0  # seconds until a program has to be ready; generous, for a busy machine
STOPPING: Final = 20.0  # seconds until it has to be gone
_LOOKING: Final = 0.02  # seconds between two looks
_SHOWN: Final = 4000  # characters of a log's end that are shown
_PLACES: Final = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
_TUN: Final = Path("/dev/net/tun")


class NotReady(RuntimeError):  # noqa: N818  (what happened to it, not an error of ours)
    """A program ended or did not get ready in time; the text has the end of its log."""


@dataclass(frozen=True)
class Running:
    """A server that is under way."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """All that it has written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def stop(self) -> None:
        """End it and wait until it is gone; safe to call twice."""
        self.process.terminate()
        try:
            self.process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


Ready = Callable[[Running], bool]


def program(name: str, package: str | None = None) -> str:
    """Where a server program is; skips the test if it is nowhere."""
    found = shutil.which(name, path=_PLACES)
    if found is None:
        pytest.skip(f"needs {package or name}: run 'make servers' as root")
    return found


CHARON: Final = "/usr/lib/ipsec/charon"


def charon() -> tuple[str, ...]:
    """The words that start strongSwan's daemon, with a /run of its own: it is compiled to keep its
    process id there, and refuses to run twice."""
    alone = 'mount -t tmpfs -o mode=755 none /run && exec "$1"'
    return ("unshare", "--mount", "sh", "-c", alone, "sh", CHARON)


def need_root(tun: bool = False) -> None:
    """Skip the test for anybody else, and where the kernel has no tun device that it needs."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if tun:
        try:
            os.close(os.open(_TUN, os.O_RDWR))
        except OSError as exc:
            pytest.skip(f"kernel: {_TUN}: {exc.strerror}")


def says(text: str) -> Ready:
    """Ready once it has written this."""
    return lambda server: text in server.said()


def listens(*ports: int) -> Ready:
    """Ready once it accepts connections to all of these TCP ports of loopback."""

    def ready(_: Running) -> bool:
        for port in ports:
            try:
                socket.create_connection((HERE, port), timeout=1.0).close()
            except OSError:
                return False
        return True

    return ready


def exists(path: Path) -> Ready:
    """Ready once it has made this file or socket."""
    return lambda _: path.exists()


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    ready: Ready,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    within: float = STARTING,
) -> Iterator[Running]:
    """Run a server until the context is left; inside, it is ready."""
    with log.open("ab") as written:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
    server = Running(process, log)
    try:
        _wait(server, ready, within)
        yield server
    except NotReady:
        raise
    except BaseException as exc:
        exc.add_note(f"{command[0]} wrote:\n{server.said()[-_SHOWN:]}")
        raise
    finally:
        server.stop()


def _wait(server: Running, ready: Ready, within: float) -> None:
    deadline = time.monotonic() + within
    while not ready(server):
        if server.process.poll() is not None:
            how = f"ended with {server.process.returncode}"
        elif time.monotonic() > deadline:
            how = f"was not ready after {within:g} s"
        else:
            time.sleep(_LOOKING)
            continue
        raise NotReady(f"{server.process.args!r} {how}:\n{server.said()[-_SHOWN:]}")


def free_ports(count: int) -> tuple[int, ...]:
    """Ports of loopback that were free a moment ago, for UDP and TCP alike."""
    with ExitStack() as held:
        return tuple(_free_port(held) for _ in range(count))


def _free_port(held: ExitStack) -> int:
    while True:
        datagram = held.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        stream = held.enter_context(socket.socket())
        datagram.bind((HERE, 0))
        port: int = datagram.getsockname()[1]
        try:
            stream.bind((HERE, port))
        except OSError:  # taken for TCP: any other will do
            continue
        return port
