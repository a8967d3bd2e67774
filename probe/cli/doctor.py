"""Look whether this machine is ready to measure. Sends nothing.

Looks at the clock, the resolver, IPv4 and IPv6 routes, the trust store, the results folder, the
disk and the limits of this process; with -c also at the configuration and its files.

exit code: 0 ready; 1 something will keep results from being right; 2 usage or configuration.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from probe.cli.common import add_results, results_dir

if TYPE_CHECKING:
    from probe.plan.jobs import Plan


class Finding(NamedTuple):
    """What was looked at; ``state`` is ok, note (works, but know it) or wrong."""

    subject: str
    state: str
    text: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("-c", dest="config", metavar="CONFIG", type=Path, help="configuration file")
    add_results(parser)
    parser.add_argument(
        "--format", choices=("table", "json", "jsonl", "csv"), default="table", help="what to print"
    )
    parser.add_argument("-o", dest="out", metavar="FILE", type=Path, help="write to this file")
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def run(args: argparse.Namespace) -> int:
    """Look at everything; 1 if something is wrong."""
    from probe.cli.common import output
    from probe.cli.what import plan_for
    from probe.show.tabular import write_rows

    plan = plan_for((), config=args.config) if args.config else None
    results = args.results or (plan.results if plan else results_dir(args))
    findings = [*_machine(), *_results(results), *(_configured(plan) if plan else ())]
    with output(args.out) as out:
        if args.format == "table":
            _show(findings, out)
        else:
            write_rows(args.format, Finding._fields, findings, out)
    return int(any(finding.state == "wrong" for finding in findings))


def _show(findings: Iterable[Finding], out: TextIO) -> None:
    from rich.table import Table
    from rich.text import Text

    from probe.show.tabular import console_for
    from probe.show.terminal import safe

    signs = {"ok": ("✓", "green"), "note": ("·", "cyan"), "wrong": ("✗", "bold red")}
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for finding in findings:
        sign, style = signs[finding.state]
        table.add_row(Text(f"{sign} {finding.subject}", style=style), Text(safe(finding.text)))
    console_for(out).print(table)


def _machine() -> Iterable[Finding]:
    import platform

    from probe import __version__

    yield Finding("version", "ok", f"probe {__version__}, Python {platform.python_version()}")
    yield _clock()
    yield _resolver()
    for family, ip in (("IPv4", "192.0.2.1"), ("IPv6", "2001:db8::1")):
        yield _route(family, ip)
    yield _trust()
    yield _limits()


def _clock() -> Finding:
    """Whether the kernel says that something keeps its clock right (adjtimex(2))."""
    import ctypes
    import time

    buffer = ctypes.create_string_buffer(512)  # struct timex; all zero: read only
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if state == 5:  # TIME_ERROR: not synchronized
        return Finding("clock", "note", f"{now}, but nothing keeps it right: install an NTP client")
    if state < 0:
        return Finding("clock", "note", f"{now}; whether it is kept right is not known")
    return Finding("clock", "ok", f"{now}, kept right")


def _resolver() -> Finding:
    path = Path("/etc/resolv.conf")
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as exc:
        return Finding("resolver", "wrong", f"{path}: {exc.strerror}")
    servers = [line.split()[1] for line in lines if line.split()[:1] == ["nameserver"]]
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
        state = "note" if family == "IPv6" else "wrong"
        return Finding(family, state, f"no route: {(exc.strerror or str(exc)).lower()}")
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


def _limits() -> Finding:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 256:
        return Finding("open files", "wrong", f"only {soft} allowed: raise it to 1024 (ulimit -n)")
    return Finding("open files", "ok", f"{soft} allowed")


def _results(folder: Path) -> Iterable[Finding]:
    import os
    import shutil

    standing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not standing.is_dir():
        yield Finding("results", "wrong", f"{standing} is a file, not a folder")
        return
    if not os.access(standing, os.W_OK | os.X_OK):
        yield Finding("results", "wrong", f"{standing}: no permission to write there")
        return
    made = "" if folder.exists() else " (will be made)"
    yield Finding("results", "ok", f"{folder}{made}")
    free = shutil.disk_usage(standing).free
    state = "wrong" if free < 50 * 1024**2 else "note" if free < 1024**3 else "ok"
    yield Finding("disk", state, f"{free / 1024**3:.1f} GiB free")


def _configured(plan: "Plan") -> Iterable[Finding]:
    services = {feature.service for feature in plan.features}
    yield Finding("configuration", "ok", f"{len(plan.jobs)} targets, {len(services)} services")
    if plan.vantage.country == "ZZ":
        yield Finding("vantage", "note", "no country given: reports by country will not match")
    if not plan.anchors:
        yield Finding("anchors", "note", "none: a failure of the vantage's own line looks real")
    for note in plan.notes:
        yield Finding("controls", "note", note)
