"""Show what is measured on a page for a browser, on this machine alone.

Without more it listens on 127.0.0.1, and whoever has an account on this machine can look. From
another machine: ssh -L 8480:127.0.0.1:8480 HOST, then http://127.0.0.1:8480/ here. Any other
address needs a token (--token-file or --token-env). The page only reads; it can run beside
"probe run", as another user. docs/local-page.md says more.
"""

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from probe.cli.common import add_config, add_log, add_results, existing_results
from probe.cli.main import INTERRUPTED, Usage

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

    from probe.core.address import Endpoint

LISTEN: Final = "127.0.0.1:8480"
SHORTEST: Final = 16  # characters of a token
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,512}")  # what a header's value may hold, RFC 9110 5.5
_NEEDS: Final = ("starlette", "uvicorn")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_results(parser)
    add_config(parser)
    parser.add_argument(
        "--listen", metavar="IP:PORT", default=LISTEN, help=f"where to answer (default: {LISTEN})"
    )
    token = parser.add_mutually_exclusive_group()
    token.add_argument(
        "--token-file", metavar="FILE", type=Path, help="a file that holds the token to sign in"
    )
    token.add_argument("--token-env", metavar="NAME", help="a variable that holds it")
    parser.add_argument(
        "--host",
        metavar="NAME",
        action="append",
        default=[],
        help="a name under which browsers may ask for the page; may be given several times",
    )
    add_log(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped; 0 after SIGTERM, 130 after Ctrl-C."""
    import importlib.util

    if any(importlib.util.find_spec(name) is None for name in _NEEDS):
        raise Usage("the page needs two packages more; run: pip install 'probe[server]'")
    import asyncio
    import logging

    from probe.cli.logs import log_to_stderr, one_line

    where = _listen(args.listen)
    token = _token(args)
    if token is None and not _is_loopback(where.ip):
        raise Usage(
            f"--listen {where}: whoever reaches it could look; give --token-file or --token-env"
        )
    root = existing_results(args)
    names = frozenset(_name(text) for text in args.host)
    log_to_stderr(args.log, logging.WARNING, one_line)
    log = logging.getLogger("probe.serve")
    log.setLevel(logging.INFO)
    try:
        sock = _bound(where)
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise Usage(f"cannot listen on {where}: {reason}") from exc
    if not _is_loopback(where.ip):
        log.warning(
            "what goes over this address is not encrypted, the token neither: "
            "put a server with TLS before it, or use ssh -L"
        )
    return asyncio.run(_until_stopped(sock, root, token, names))


def _bound(where: "Endpoint") -> "socket.socket":
    from probe.serve.running import bind

    return bind(where)


async def _until_stopped(
    sock: "socket.socket", root: Path, token: str | None, names: frozenset[str]
) -> int:
    import asyncio
    import logging
    import signal

    from probe.serve.history import History
    from probe.serve.running import serve

    stop = asyncio.Event()
    code = 0

    def on_signal(number: int) -> None:
        nonlocal code
        code = INTERRUPTED if number == signal.SIGINT else 0
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    ip, port = sock.getsockname()[:2]
    shown = f"[{ip}]" if ":" in ip else ip
    with History(root) as history:
        app = _application(root, history, token, names)
        logging.getLogger("probe.serve").info(
            "the page is at http://%s:%d/; Ctrl-C stops", shown, port
        )
        await serve(app, sock, stop)
    return code


def _application(
    root: Path, history: object, token: str | None, names: frozenset[str]
) -> "ASGIApp":
    import time
    from datetime import UTC, datetime

    from probe.plan.knowledge import shipped_knowledge
    from probe.serve.app import Serving, application
    from probe.serve.history import History

    assert isinstance(history, History)
    return application(
        Serving(
            root=root,
            history=history,
            knowledge=shipped_knowledge,
            now=lambda: datetime.now(UTC),
            steady=time.monotonic,
            token=token,
            names=names,
        )
    )


def _listen(text: str) -> "Endpoint":
    from probe.core.address import parse_endpoint

    try:
        where = parse_endpoint(text)
    except ValueError as exc:
        raise Usage(f"--listen: {exc}; write {LISTEN} or [::1]:8480") from None
    if where.port > 65535:
        raise Usage(f"--listen: there is no port {where.port}")
    return where


def _is_loopback(ip: str) -> bool:
    import ipaddress

    return ipaddress.ip_address(ip.partition("%")[0]).is_loopback


def _name(text: str) -> str:
    from probe.core.hostname import normal_host

    try:
        return normal_host(text, text)
    except ValueError as exc:
        raise Usage(f"--host: {exc}") from None


def _token(args: argparse.Namespace) -> str | None:
    """The token; what is said of a bad one names its place and never what is in it."""
    if args.token_env:
        source = f"the variable {args.token_env}"
        text = os.environ.get(args.token_env, "")
        if not text:
            raise Usage(f"--token-env: {source} is not set")
    elif args.token_file:
        source = f"'{args.token_file}'"
        try:
            with args.token_file.open("rb") as file:
                text = file.read(4096).decode("ascii", "replace")
        except OSError as exc:
            raise Usage(f"--token-file: {source}: {(exc.strerror or str(exc)).lower()}") from exc
    else:
        return None
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise Usage(f"{source} holds no token: one word in ASCII")
    if len(token) < SHORTEST:
        raise Usage(f"{source}: the token has fewer than {SHORTEST} characters")
    return token
