"""The whole helper: the API, the decoys and the echo, from start to a clean end."""

import contextlib
import resource
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from probe.control.app import announced, application
from probe.control.decoy import Decoy
from probe.control.doors import Doors
from probe.control.echo import Echo
from probe.control.guard import Own
from probe.control.limits import Rate
from probe.control.listener import bind
from probe.control.service import Measuring
from probe.control.sessions import Sessions, plain_ip
from probe.core.address import Endpoint, parse_endpoint
from probe.core.ids import uuid7
from probe.core.strictyaml import ConfigError
from probe.measure.measure import Instruments
from probe.net.clocks import Clock, RealClock
from probe.net.real import RealNetwork
from probe.net.trust import Policy, Trust
from probe.plan.helper import HelperFile
from probe.plan.jobs import Plan
from probe.plan.question import Session

SESSION: Final = 60.0  # seconds for which the echo is open and a token for transfers holds
BYTES_MAX: Final = 1 << 20
_FILES: Final = 8192  # open files that a thousand clients and their measurements may take
_ANYWHERE: Final = {"0.0.0.0", "::"}  # noqa: S104  (compared with, not bound to)


@dataclass(frozen=True, slots=True)
class Running:
    """Where a helper that runs has its servers."""

    api: Endpoint
    decoys: tuple[Endpoint, ...]
    echo: Endpoint | None


@asynccontextmanager
async def running(
    file: HelperFile, *, allow_private: bool = False, clock: Clock | None = None
) -> AsyncIterator[Running]:
    """Serve until the block ends. Raises ConfigError for whatever of the file cannot be used."""
    section, clock = file.config.control, clock or RealClock()
    allow_private = allow_private or section.allow_private
    token = file.token()
    tls = _tls(file)
    plan = file.config.plan(file.folder)
    _allow_many_files()
    sessions = Sessions(clock, seconds=SESSION, bytes_max=BYTES_MAX, allow_private=allow_private)
    addresses = frozenset(
        plain_ip(ip)
        for ip in (
            section.public,
            *(parse_endpoint(text).ip for text in (section.listen, *section.decoy)),
        )
        if ip and ip not in _ANYWHERE
    )
    async with contextlib.AsyncExitStack() as stack:
        measuring = Measuring(
            file.config,
            plan,
            _instruments(plan, clock, addresses),
            own=Own(addresses),
            allow_private=allow_private,
        )
        stack.push_async_callback(measuring.close)
        decoy = await _decoy(file, sessions)
        if decoy is not None:
            stack.push_async_callback(decoy.close)
        echo = await _echo(file, sessions, clock)
        if echo is not None:
            stack.push_async_callback(echo.close)

        def opened(client: str, reached: str | None) -> Session:
            places = (
                [announced(at, section.public, reached) for at in decoy.endpoints] if decoy else []
            )
            return Session(
                decoys=tuple(place for place in places if place),
                leaf=decoy.leaf if decoy else "",
                page=decoy.page if decoy else "",
                bytes_token=sessions.open(client),
                bytes_max=BYTES_MAX,
                echo=announced(echo.endpoint, section.public, reached) if echo else None,
                client=client,
                expires=SESSION,
            )

        app = application(
            measuring,
            opened,
            token=token,
            rate=Rate(clock.monotonic, section.rate),
            log_clients=section.log_clients,
        )
        try:
            sock = bind(parse_endpoint(section.listen), socket.SOCK_STREAM)
        except OSError as exc:
            raise _cannot(file, "listen", section.listen, exc) from None
        doors = Doors(sock, app, tls)
        stack.push_async_callback(doors.close)
        yield Running(
            doors.endpoint, decoy.endpoints if decoy else (), echo.endpoint if echo else None
        )


async def _decoy(file: HelperFile, sessions: Sessions) -> Decoy | None:
    texts = file.config.control.decoy
    if not texts:
        return None
    try:
        return await Decoy.start([parse_endpoint(text) for text in texts], sessions, file.folder)
    except OSError as exc:
        raise _cannot(file, "decoy", ", ".join(texts), exc) from None
    except ValueError as exc:
        raise file.wrong("decoy", str(exc)) from None


async def _echo(file: HelperFile, sessions: Sessions, clock: Clock) -> Echo | None:
    text = file.config.control.echo
    if text is None:
        return None
    try:
        return await Echo.start(parse_endpoint(text), sessions, clock)
    except OSError as exc:
        raise _cannot(file, "echo", text, exc) from None


def _cannot(file: HelperFile, key: str, where: str, exc: OSError) -> ConfigError:
    place = f"{exc.filename}" if exc.filename else f"cannot listen on {where}"
    return file.wrong(key, f"{place}: {(exc.strerror or str(exc)).lower()}")


def _instruments(plan: Plan, clock: Clock, own: frozenset[str]) -> Instruments:
    trust = Trust()
    # Made before anything is timed: a context costs tens of milliseconds.
    for alpn in ((), ("http/1.1",)):
        trust.prepare(Policy(ca_file=plan.ca_file, alpn=alpn))
    return Instruments(
        run=uuid7(clock.now()),
        vantage=plan.vantage,
        net=RealNetwork(),
        clock=clock,
        trust=trust,
        keep=lambda _: "",
        ca_file=plan.ca_file,
        user_agent=plan.user_agent,
        max_addresses=plan.max_addresses,
        own_addresses=set(own),
    )


def _tls(file: HelperFile) -> ssl.SSLContext | None:
    """What the API shows, and demands of clients. ConfigError names a file that is unusable."""
    cert, key, client_ca = (file.file(name) for name in ("cert", "key", "client_ca"))
    if cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    name, path = "cert", cert
    try:
        path.read_bytes()  # OpenSSL does not say which of the two it could not read
        if key is not None:
            name, path = "key", key
            path.read_bytes()
        context.load_cert_chain(cert, key, password="")  # or it would ask the terminal
        if client_ca is not None:
            name, path = "client_ca", client_ca
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except ssl.SSLError:
        wanted = "authorities in PEM form" if name == "client_ca" else "a certificate and its key"
        raise file.wrong(name, f"{path}: needs {wanted}, without a password") from None
    except OSError as exc:
        raise file.wrong(name, f"{path}: {(exc.strerror or str(exc)).lower()}") from None
    return context


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
