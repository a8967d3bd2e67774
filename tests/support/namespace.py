"""A machine without the internet, or with a small disk: what Linux's namespaces can pretend.

``inside`` gives the words that run a command where nothing but loopback is up. That namespace is
prepared and proven by this module itself, run as a program in it, with nothing but the kernel's own
interfaces: no tool that a small Debian may lack. ``on_disk`` gives them for a disk.
"""

import errno
import fcntl
import functools
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Final, Literal

Kind = Literal["alone", "void"]

# linux/rtnetlink.h, linux/if_addr.h, linux/sockios.h
_NEW_ADDRESS, _NEW_ROUTE = 20, 24
_REQUEST, _ACKNOWLEDGE, _CREATE = 1, 4, 0x400
_SET_FLAGS: Final = 0x8914
_UP: Final = 1
_MAIN_TABLE, _STATIC, _UNIVERSE, _LINK, _UNICAST = 254, 4, 0, 253, 1
HERE: Final = "192.0.2.2"


def inside(kind: Kind) -> tuple[str, ...]:
    """What to put before a command.

    ``alone``: the kernel refuses every packet that is not for this machine (ENETUNREACH).
    ``void``: it sends them, and they vanish. Skips where the kernel allows no namespaces.
    """
    unshare = _allowed("--net", "true")
    here = Path(__file__).parents[1]
    start = f"import sys; sys.path.insert(0, {str(here)!r}); import support.namespace as n; n.run()"
    return (*unshare, sys.executable, "-c", start, kind)


def on_disk(folder: Path, options: str) -> tuple[str, ...]:
    """The same for a tmpfs of these mount options, which the command finds in the folder's place;
    it starts in there."""
    mount = 'mount -t tmpfs -o "$1" none "$2" && cd "$2" && shift 2 && exec "$@"'
    words = ("sh", "-c", mount, "sh", options, str(folder))
    return (*_allowed("--mount", *words, "true"), *words)


@functools.cache
def _allowed(kind: str, *trial: str) -> tuple[str, ...]:
    """The words that make such a namespace; skips where the kernel allows none."""
    import pytest  # the program in the namespace has no need of it, and starts faster

    def works(*words: str) -> bool:
        done = subprocess.run([*words, *trial], capture_output=True, check=False)
        return done.returncode == 0

    for words in (("unshare", kind), ("unshare", kind, "--map-root-user")):
        if works(*words):
            break
    else:
        pytest.skip(f"kernel: unshare {kind} is not allowed to this user")
    return words


def run() -> None:
    """Prepare the namespace, prove that nothing leaves it, and become the command."""
    kind, *command = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
    if kind == "void":
        _swallow_everything()
    _prove(kind)
    os.execvp(command[0], command)


def _swallow_everything() -> None:
    """Loopback as the way out: what comes back on it for another machine is dropped."""
    loopback = socket.if_nametoindex("lo")
    address = socket.inet_aton(HERE)
    _tell_kernel(
        _NEW_ADDRESS,
        struct.pack("=BBBBI", socket.AF_INET, 32, 0, _UNIVERSE, loopback)
        + _attribute(1, address)
        + _attribute(2, address),
    )
    _tell_kernel(
        _NEW_ROUTE,
        struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, _MAIN_TABLE, _STATIC, _LINK, _UNICAST, 0)
        + _attribute(4, struct.pack("=I", loopback))
        + _attribute(7, address),
    )


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value


def _tell_kernel(kind: int, body: bytes) -> None:
    """One rtnetlink(7) request; OSError with the kernel's own error."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        flags = _REQUEST | _ACKNOWLEDGE | _CREATE
        sock.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        answer = sock.recv(4096)
    number = -struct.unpack_from("=i", answer, 16)[0]
    if number:
        raise OSError(number, os.strerror(number))


def _prove(kind: str) -> None:
    routes = Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]
    assert {route.split()[0] for route in routes} <= {"lo"}, routes
    routes6 = Path("/proc/net/ipv6_route")
    lines = routes6.read_text(encoding="ascii").splitlines() if routes6.exists() else []
    assert {line.split()[-1] for line in lines} <= {"lo"}, lines
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        if kind == "alone":
            assert routes == []
            assert sock.connect_ex(("192.0.2.1", 53)) == errno.ENETUNREACH
        else:
            sock.connect(("192.0.2.1", 53))
            sock.settimeout(0.1)
            sock.send(b"nobody hears this")
            try:
                sock.recv(1)
            except TimeoutError:
                return
            raise AssertionError("somebody answered")
