"""Run a control: let probes elsewhere ask what this machine sees of their targets.

A control answers clients that know its token (or show a certificate), measures with the same
checks as the probe, and is no way into this machine's own network. docs/control.md leads from a
bare server to a working control.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from probe.cli.common import add_log
from probe.cli.main import INTERRUPTED, Usage

if TYPE_CHECKING:
    from probe.control.running import Running
    from probe.plan.helper import HelperFile

_NEEDS: Final = ("starlette", "uvicorn")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-c", dest="config", metavar="FILE", type=Path, help="configuration file")
    what.add_argument(
        "--init", metavar="DIR", type=Path, help="write a new control's files to this folder"
    )
    parser.add_argument(
        "--host", metavar="NAME", help="with --init: the name or address that clients will use"
    )
    parser.add_argument(
        "--allow-private",
        action="store_true",
        help="measure targets in private networks too: only where every client may reach them",
    )
    add_log(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped; 0 after SIGTERM, 130 after Ctrl-C."""
    if args.init:
        return _init(args.init, args.host)
    if args.host:
        raise Usage("--host belongs to --init; a running control has it in its configuration")
    _demand_servers()
    import asyncio
    import logging

    from probe.cli.logs import log_to_stderr, one_line
    from probe.plan.helper import HelperFile

    file = HelperFile(args.config)
    log_to_stderr(args.log, logging.WARNING, one_line)
    logging.getLogger("probe.control").setLevel(logging.INFO)
    return asyncio.run(_until_stopped(file, args.allow_private))


async def _until_stopped(file: "HelperFile", allow_private: bool) -> int:
    import asyncio
    import logging
    import signal

    from probe.control.running import running

    stopped: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def stop(code: int) -> None:
        if not stopped.done():
            stopped.set_result(code)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop, 0)
    loop.add_signal_handler(signal.SIGINT, stop, INTERRUPTED)
    async with running(file, allow_private=allow_private) as where:
        logging.getLogger("probe.control").info("%s", _listening(where))
        return await stopped


def _listening(where: "Running") -> str:
    parts = [f"listening on {where.api}"]
    if where.decoys:
        parts.append(f"decoy on {', '.join(map(str, where.decoys))}")
    if where.echo:
        parts.append(f"echo on {where.echo}")
    return "; ".join(parts)


def _demand_servers() -> None:
    import importlib.util

    if any(importlib.util.find_spec(name) is None for name in _NEEDS):
        raise Usage("a control needs two packages more; run: pip install 'probe[server]'")


def _init(folder: Path, host: str | None) -> int:
    from datetime import UTC, datetime

    from probe.control.fresh import CERT, CONFIG, PORT, TOKEN, write_fresh
    from probe.core.hostname import normal_host

    try:
        name = normal_host(host, host) if host else None
    except ValueError as exc:
        raise Usage(f"--host: {exc}") from None
    name = write_fresh(folder, name, datetime.now(UTC))
    shown = f"[{name}]" if ":" in name else name
    print(
        f"Start it here:   probe control -c {folder / CONFIG}\n"
        f"Copy to clients: {folder / CERT} and {folder / TOKEN} (a secret); configure there:\n\n"
        f'controls: [{{url: "https://{shown}:{PORT}", token_file: {TOKEN}, ca_file: {CERT}}}]'
    )
    return 0
