"""The program in a folder of its own, and servers on this machine for it to measure."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from loopback.scripts import gives, page, says
from loopback.servers import Certificates, Loopback, Peer
from support.command import Command, Done

from probe.cli.main import main


@dataclass(frozen=True)
class Ports:
    """Where what answers; the servers with a certificate are called localhost."""

    tcp: int
    silent: int
    http: int
    echo: int
    tls: int
    https: int
    expired: int
    closed: int
    full: int
    resolver: int


async def _echo(peer: Peer) -> None:
    """An error page that quotes the request, as many servers send it."""
    line = (await peer.receive()).partition(b"\r\n")[0]
    await peer.send(page(404, b"Cannot " + line))
    await peer.end("fin")


async def _open(servers: Loopback) -> Ports:
    found = says(page(200, b"found"))
    return Ports(
        tcp=servers.listen(says(then="nothing")),
        silent=servers.listen(says(then="nothing")),
        http=servers.listen(found),
        echo=servers.listen(_echo),
        tls=servers.listen_tls(name="localhost"),
        https=servers.listen_tls(found, name="localhost"),
        expired=servers.listen_tls(found, name="localhost", shown="expired"),
        closed=servers.closed(),
        full=servers.full(),
        resolver=servers.resolver(gives("A 127.0.0.1")),
    )


@pytest.fixture(scope="session")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("authorities"))


@pytest.fixture(scope="session")
def ports(authorities: Certificates) -> Iterator[Ports]:
    """Servers on a thread of their own, so that a test may wait for a process meanwhile."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait_for(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(50)

    servers = Loopback(authorities)
    try:
        yield wait_for(_open(servers))
        wait_for(servers.__aexit__())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def probe(tmp_path: Path, authorities: Certificates) -> Iterator[Command]:
    with closing(Command(tmp_path, authorities.ca_file)) as command:
        yield command


@pytest.fixture
def here(
    probe: Command,
    authorities: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Done]:
    """The same in this process: quick, for a test that runs it many times."""
    monkeypatch.chdir(probe.folder)
    monkeypatch.setenv("SSL_CERT_FILE", authorities.ca_file)
    monkeypatch.delenv("PROBE_DEBUG", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run(*arguments: str) -> Done:
        code = main(list(arguments))
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run
