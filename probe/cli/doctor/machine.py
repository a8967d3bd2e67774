"""The machine: clock, resolver, routes, trust store, and what this process may use."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from probe.cli.doctor.finding import Finding

if TYPE_CHECKING:
    from probe.plan.jobs import Plan

_PER_CYCLE: Final = 12  # descriptors of a cycle at its widest: its addresses, resolvers, controls
_OTHERS: Final = 64  # anchors, files, threads' pipes
_AT_ONCE: Final = 64  # cycles under way at the same time, at most


def findings(plan: "Plan | None") -> Iterator[Finding]:
    """Whether results from this machine can be right at all."""
    yield from _version()
    yield _clock()
    yield _resolver()
    for family, ip in (("IPv4", "192.0.2.1"), ("IPv6", "2001:db8::1")):
        yield _route(family, ip)
    yield _trust()
    yield _limits(len(plan.jobs) if plan else 1)


def _version() -> Iterator[Finding]:
    import platform

    from probe import __version__

    extras = ", ".join(_extras()) or "none"
    text = f"probe {__version__}, Python {platform.python_version()}; extras: {extras}"
    yield Finding("version", "ok", text)


def _extras() -> Iterator[str]:
    """The optional parts whose packages are all here."""
    import re
    from importlib import metadata

    wanted: dict[str, list[str]] = {}
    for text in metadata.requires("probe") or ():
        if found := re.match(r"([A-Za-z0-9._-]+).*;.*extra == ['\"]([\w-]+)['\"]", text):
            wanted.setdefault(found[2], []).append(found[1])
    installed = {
        re.sub(r"[-_.]+", "-", name).lower()
        for found_ in metadata.distributions()
        if (name := found_.metadata["Name"])
    }
    for extra, packages in wanted.items():
        if all(re.sub(r"[-_.]+", "-", package).lower() in installed for package in packages):
            yield extra


def _clock() -> Finding:
    """Whether the kernel says that something keeps its clock right (adjtimex(2))."""
    import ctypes
    import time

    buffer = ctypes.create_string_buffer(512)  # struct timex; all zero: read only
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if state == 5:  # TIME_ERROR: not synchronized
        text = f"{now}, but nothing keeps it right: install systemd-timesyncd or chrony"
        return Finding("clock", "note", text)
    if state < 0:
        return Finding("clock", "note", f"{now}; whether it is kept right is not known")
    return Finding("clock", "ok", f"{now}, kept right")


def _resolver() -> Finding:
    path = Path("/etc/resolv.conf")
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as exc:
        return Finding("resolver", "wrong", f"{path}: {exc.strerror}: name a nameserver there")
    words = [line.split() for line in lines]
    servers = [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
    if not servers:
        return Finding("resolver", "note", f"{path} names none; the local one is assumed")
    return Finding("resolver", "ok", ", ".join(servers))


def _route(family: str, ip: str) -> Finding:
    """Connecting a UDP socket asks the kernel for a route and sends nothing."""
    import socket

    kind = socket.AF_INET6 if ":" in ip else socket.AF_INET
    try:
        with socket.socket(kind, socket.SOCK_DGRAM) as sock:
            sock.connect((ip, 53))
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        if family == "IPv6":
            return Finding(family, "note", f"no route: {reason}; IPv6 addresses are not judged")
        return Finding(family, "wrong", f"no route: {reason}; give this machine a network")
    return Finding(family, "ok", "there is a route")


def _trust() -> Finding:
    import ssl

    context = ssl.create_default_context()
    count = context.cert_store_stats()["x509_ca"]
    paths = ssl.get_default_verify_paths()
    if not count and not (paths.capath and any(Path(paths.capath).glob("*.0"))):
        return Finding("trust store", "wrong", "empty: install ca-certificates")
    return Finding(
        "trust store", "ok", f"{count or 'a folder of'} authorities, {ssl.OPENSSL_VERSION}"
    )


def _limits(targets: int) -> Finding:
    """The hard limit counts: a running probe takes what it may."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = max(256, _OTHERS + _PER_CYCLE * min(targets, _AT_ONCE))
    if hard != resource.RLIM_INFINITY and hard < needed:
        text = f"{hard} allowed, {targets} targets may need {needed}: raise LimitNOFILE= (ulimit)"
        return Finding("open files", "wrong", text)
    allowed = "any number" if hard == resource.RLIM_INFINITY else hard
    return Finding("open files", "ok", f"{allowed} allowed, at most {needed} are needed")
