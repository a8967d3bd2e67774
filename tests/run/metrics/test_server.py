"""probe.run.metrics.server: three paths over real sockets, and clients that misbehave."""

import asyncio
import time
from contextlib import asynccontextmanager

import httpx
import pytest
from prometheus_client import generate_latest
from support.seen import pigeon, samples, sources

from probe.core.address import Endpoint
from probe.core.strictyaml import ConfigError
from probe.plan.metrics import MetricsPlace
from probe.run.metrics import server as module
from probe.run.metrics.collector import PART, ProbeCollector
from probe.run.metrics.server import MOST, MetricsServer, page
from probe.run.metrics.wellness import Wellness

WELL = Wellness((), {"targets": 2})


@asynccontextmanager
async def serving(found=WELL, ip="127.0.0.1"):
    place = MetricsPlace(at=Endpoint(ip, 0))
    server = MetricsServer(place, ProbeCollector(sources()).parts, lambda: found, time.monotonic)
    async with server:
        yield server


async def got(server, path="/metrics", method="GET", **more):
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, f"http://{server.at}{path}", **more)


async def raw(server, data):
    """What comes back until the server closes."""
    reader, writer = await asyncio.open_connection(*server.at)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()


async def until(there):
    """Look again and again: what a server does on its own comes without a word."""
    for _ in range(2000):
        if there():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


async def test_metrics_are_what_a_scraper_reads():
    async with serving() as server:
        answer = await got(server)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert samples(answer.text)["probe_targets"] == {frozenset(): 2}


async def test_health_is_an_object_with_its_reasons():
    async with serving() as server:
        answer = await got(server, "/healthz")
        alive = await got(server, "/livez")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "reasons": [], "targets": 2},
    )
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    async with serving(Wellness(("it hangs",), {})) as server:
        answer = await got(server, "/healthz")
        alive = await got(server, "/livez")
    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "failing", "reasons": ["it hangs"]},
    )
    assert alive.status_code == 200


@pytest.mark.parametrize(
    ("path", "method", "more", "status"),
    [
        ("/", "GET", {}, 404),
        ("/metrics/../healthz/x", "GET", {}, 404),
        ("/metrics", "POST", {}, 405),
        ("/metrics", "DELETE", {}, 405),
        ("/metrics", "GET", {"content": b"x"}, 413),
        ("/metrics", "GET", {"headers": {"Transfer-Encoding": "chunked"}}, 413),
        ("/metrics", "GET", {"headers": {"Host": "rebound.example"}}, 421),
        ("/metrics", "GET", {"headers": {"Host": "127.0.0.1.rebound.example:9469"}}, 421),
        ("/metrics", "GET", {"headers": {"Host": "localhost:9469"}}, 200),
        ("/metrics", "GET", {"headers": {"Host": "[::1]:9469"}}, 200),
        ("/metrics?name=x", "GET", {}, 200),
    ],
)
async def test_what_is_asked_otherwise_is_refused(path, method, more, status):
    async with serving() as server:
        answer = await got(server, path, method, **more)
    assert answer.status_code == status
    assert answer.headers["connection"] == "close"


async def test_a_head_has_no_body():
    async with serving() as server:
        answer = await got(server, "/livez", "HEAD")
        whole = await got(server, "/livez")
    assert answer.content == b""
    assert answer.headers["content-length"] == str(len(whole.content))


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"]
)
async def test_what_is_no_request_is_told_so(data):
    async with serving() as server:
        assert (await raw(server, data)).startswith(b"HTTP/1.1 400 ")


async def test_a_head_without_an_end_is_cut_off():
    async with serving() as server:
        answer = await raw(server, b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000)
        assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ")) or answer == b""
        assert (await got(server, "/livez")).status_code == 200


async def test_who_says_nothing_is_let_go(monkeypatch):
    monkeypatch.setattr(module, "WITHIN", 0.2)
    async with serving() as server:
        assert await raw(server, b"GET /livez HTTP/1.1\r\n") == b""


async def test_there_are_only_so_many_connections_and_room_again_when_they_end():
    async with serving() as server:
        held = [await asyncio.open_connection(*server.at) for _ in range(MOST)]
        await until(lambda: len(server._open) == MOST)
        with pytest.raises(httpx.TransportError):
            await got(server, "/livez")
        for _, writer in held:
            writer.close()
        await until(lambda: not server._open)
        assert (await got(server, "/livez")).status_code == 200


async def test_the_end_does_not_wait_for_clients():
    async with serving() as server:
        reader, writer = await asyncio.open_connection(*server.at)
        await until(lambda: server._open)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


async def test_a_port_that_is_taken_is_one_line():
    async with serving() as server:
        again = MetricsServer(
            MetricsPlace(at=server.at),
            ProbeCollector(sources()).parts,
            lambda: WELL,
            time.monotonic,
        )
        with pytest.raises(ConfigError, match=r"metrics: cannot listen on 127\.0\.0\.1:\d+: "):
            async with again:
                pass


async def test_listening_for_everybody_is_warned_about(caplog):
    async with serving(ip="0.0.0.0") as server:
        answer = await got(server, headers={"Host": "probe.example:9469"})
    assert answer.status_code == 200
    assert f"whoever reaches port {server.at.port} can read them" in caplog.text
    caplog.clear()
    async with serving():
        assert "whoever" not in caplog.text


def test_a_page_in_pieces_is_the_page_that_the_library_writes():
    targets = [{"id": f"t{n}", "url": f"tcp://192.0.2.1:{n + 1}"} for n in range(2 * PART + 1)]
    own = ProbeCollector(sources(pigeon(targets=targets)))
    whole = [line for line in generate_latest(own).splitlines() if not line.startswith(b"process")]
    pieces = list(page(own.parts()))
    assert len(pieces) > len([line for line in whole if line.startswith(b"# TYPE")])
    lines = b"".join(pieces).splitlines()
    assert [line for line in lines if not line.startswith(b"process")] == whole


async def test_many_who_ask_at_once_get_one_page(monkeypatch):
    made = []
    real = module.generate_latest
    monkeypatch.setattr(module, "generate_latest", lambda own: made.append(own) or real(own))
    async with serving() as server:
        pages = await asyncio.gather(*(got(server) for _ in range(8)))
    assert len({page.content for page in pages}) == 1
    assert len(made) < 2 * len(list(page(ProbeCollector(sources()).parts())))
