"""probe.control.app behind its doors: real connections on loopback, and clients of every kind."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from support.authority import ca_file, serving
from support.control import ELSEWHERE, there

from probe.control.app import announced, application
from probe.control.doors import DoorLimits, Doors
from probe.control.limits import BusyError, Rate
from probe.control.listener import bind
from probe.core.address import Endpoint
from probe.core.model import Vantage
from probe.net.clocks import RealClock
from probe.plan.question import MAX_BODY, MEASURE, SESSION, Question, Reply, Session

TOKEN = "a-token-of-sixteen"
KNOWN = {"Authorization": f"Bearer {TOKEN}"}
ONE = {"targets": [{"url": "https://shop.example/"}]}
# A second is enough for a client on a busy machine, and little to wait for one that is cut off.
QUICK = DoorLimits(handshake=1.0, head=1.0, whole=2.0, linger=0.2)
PATIENCE = 30.0  # seconds for what must happen: how soon, the machine decides


@dataclass
class Measured:
    """Stands in for the measuring: counts what reaches it, and does as it is told."""

    asked: list[tuple[Question, ...]] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    before: Callable[[], Awaitable[None]] | None = None
    vantage: Vantage = ELSEWHERE

    async def reply(self, questions: tuple[Question, ...], client: str) -> bytes:
        self.asked.append(questions)
        self.clients.append(client)
        try:
            if self.before:
                await self.before()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        found = tuple(there(datetime.now(UTC)) for _ in questions)
        return Reply(control=ELSEWHERE, client=client, measurements=found).as_json()

    async def state(self) -> str:
        return "online"


@dataclass
class Api:
    """The API that is being tried."""

    at: Endpoint
    measured: Measured
    http: httpx.AsyncClient
    opened: list[tuple[str, str | None]]

    async def raw(self, data: bytes, *, more: bytes = b"", pause: float = 0.0) -> bytes:
        """What comes back for these bytes, until the API closes."""
        reader, writer = await asyncio.open_connection(self.at.ip, self.at.port)
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            writer.write(data)
            for octet in more:
                await asyncio.sleep(pause)
                writer.write(bytes([octet]))
            return await asyncio.wait_for(reader.read(), PATIENCE)
        return b""


@asynccontextmanager
async def api(
    *,
    token: str | None = TOKEN,
    rate: int = 10_000,
    limits: DoorLimits | None = None,
    tls: bool = False,
    **more: Any,
) -> AsyncIterator[Api]:
    measured, opened = Measured(), []

    def opening(client: str, reached: str | None) -> Session:
        opened.append((client, reached))
        return Session(client=client, expires=60.0)

    app = application(
        measured,  # type: ignore[arg-type]  # what it is asked for it has
        opening,
        token=token,
        rate=Rate(RealClock().monotonic, rate),
        **more,
    )
    sock = bind(Endpoint("127.0.0.1", 0), socket.SOCK_STREAM)
    doors = Doors(sock, app, serving("localhost") if tls else None, limits)
    url = f"http://127.0.0.1:{doors.endpoint.port}"
    client = httpx.AsyncClient(base_url=url, headers=KNOWN, trust_env=False, timeout=PATIENCE)
    try:
        async with client:
            yield Api(doors.endpoint, measured, client, opened)
    finally:
        await doors.close()


async def test_a_question_reaches_the_measuring_and_its_answer_the_client() -> None:
    async with api() as tried:
        answer = await tried.http.post(MEASURE, json=ONE)
        assert answer.status_code == 200
        assert len(Reply.from_json(answer.content).measurements) == 1
        assert tried.measured.asked == [(Question(url="https://shop.example/"),)]
        assert tried.measured.clients == ["127.0.0.1"]
        health = await tried.http.get("/v1/health")
        assert health.json() == {"control": ELSEWHERE.id, "state": "online"}


@pytest.mark.parametrize(
    "given",
    [{}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {TOKEN}"},
     {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Bearer {TOKEN[:-1]}"}],
)  # fmt: skip
@pytest.mark.parametrize("path", [MEASURE, SESSION, "/v1/health", "/", "/nothing"])
async def test_whoever_is_not_known_gets_401_and_costs_nothing(
    given: dict[str, str], path: str
) -> None:
    async with api() as tried:
        url = f"http://127.0.0.1:{tried.at.port}{path}"
        async with httpx.AsyncClient(trust_env=False) as stranger:
            answer = await stranger.post(url, json=ONE, headers=given)
        assert answer.status_code == 401
        assert answer.json() == {"error": "unknown"}
        assert (tried.measured.asked, tried.opened) == ([], [])


async def test_401_comes_before_the_body_does() -> None:
    async with api(limits=QUICK) as tried:
        head = f"POST {MEASURE} HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n"
        told = await tried.raw(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert told.startswith(b"HTTP/1.1 401 ")
        assert b"100 Continue" not in told


async def test_two_tokens_in_one_request_are_none() -> None:
    async with api() as tried:
        line = f"Authorization: Bearer {TOKEN}\r\n"
        told = await tried.raw(f"GET /v1/health HTTP/1.1\r\nHost: x\r\n{line}{line}\r\n".encode())
        assert told.startswith(b"HTTP/1.1 401 ")


def posted(length: str, body: bytes = b"") -> bytes:
    head = (
        f"POST {MEASURE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n{length}\r\n\r\n"
    )
    return head.encode() + body


async def test_too_large_a_body_gets_413_by_its_length_or_by_its_bytes() -> None:
    async with api(limits=QUICK) as tried:
        told = await tried.raw(posted(f"Content-Length: {MAX_BODY + 1}"))
        assert told.startswith(b"HTTP/1.1 413 ")
        told = await tried.raw(posted("Content-Length: 99999999999999999999"))
        assert told.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))

        async def chunks(many: int) -> AsyncIterator[bytes]:
            for _ in range(many):
                yield b" " * 8192

        for sent in (b" " * (MAX_BODY + 1), b" " * 900_000, chunks(100)):
            answer = await tried.http.post(MEASURE, content=sent)
            assert (answer.status_code, answer.headers["Connection"]) == (413, "close")
        with contextlib.suppress(httpx.TransportError):  # who never ends is cut off
            await tried.http.post(MEASURE, content=chunks(1_000_000))
        assert tried.measured.asked == []
        padded = json.dumps(ONE).encode().ljust(MAX_BODY)
        assert (await tried.http.post(MEASURE, content=padded)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"targets": []}', b'{"targets": [1]}',
     b'{"targets": [{"url": 7}]}', b'{"targets": [{"url": "x", "more": 1}]}',
     b'{"targets": [{"url": "https://x/", "addresses": ["nowhere"]}]}',
     b'{"targets": [{"url": "https://x/"}], "more": 1}', b"[" * 60_000,
     json.dumps({"targets": [{"url": "https://x/"}] * 17}).encode()],
)  # fmt: skip
async def test_a_malformed_question_gets_422_with_a_reason(body: bytes) -> None:
    async with api() as tried:
        answer = await tried.http.post(MEASURE, content=body)
        assert answer.status_code == 422
        assert 0 < len(answer.json()["error"]) <= 300
        assert tried.measured.asked == []


async def test_a_session_is_opened_for_the_address_that_the_connection_comes_from() -> None:
    async with api() as tried:
        forged = {"X-Forwarded-For": "198.51.100.1", "Forwarded": "for=198.51.100.1"}
        for host in ("203.0.113.7:8443", "[2001:db8::1]:8443", "control.example", "x:y:z"):
            answer = await tried.http.post(SESSION, json={}, headers={"Host": host, **forged})
            assert Session.from_json(answer.content).client == "127.0.0.1"
        reached = [reached for _, reached in tried.opened]
        assert reached == ["203.0.113.7", "2001:db8::1", "127.0.0.1", "127.0.0.1"]
        for wrong in (b"[]", b'{"client": "198.51.100.1"}', b"{"):
            assert (await tried.http.post(SESSION, content=wrong)).status_code == 422
        assert len(tried.opened) == 4


def test_a_server_that_listens_everywhere_is_announced_where_clients_reach_the_api() -> None:
    everywhere, one = Endpoint("0.0.0.0", 443), Endpoint("198.51.100.2", 443)
    assert announced(one, "203.0.113.1", "203.0.113.2") == one
    assert announced(everywhere, "203.0.113.1", "203.0.113.2") == Endpoint("203.0.113.1", 443)
    assert announced(Endpoint("::", 443), None, "203.0.113.2") == Endpoint("203.0.113.2", 443)
    assert announced(everywhere, None, None) is None


async def test_beyond_the_rate_a_client_is_told_when_to_come_again() -> None:
    async with api(rate=3) as tried:
        answers = [await tried.http.post(MEASURE, json=ONE) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert 15 <= int(answers[-1].headers["Retry-After"]) <= 20
        assert len(tried.measured.asked) == 3


async def test_a_busy_control_says_so() -> None:
    async with api() as tried:

        async def busy() -> None:
            raise BusyError

        tried.measured.before = busy
        answer = await tried.http.post(MEASURE, json=ONE)
        assert (answer.status_code, answer.json()) == (503, {"error": "busy"})
        assert int(answer.headers["Retry-After"]) > 0


async def test_our_own_error_is_one_line_and_shows_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with api() as tried:

        async def broken() -> None:
            raise RuntimeError("/secret/path")

        tried.measured.before = broken
        answer = await tried.http.post(MEASURE, json=ONE)
        assert (answer.status_code, answer.json()) == (500, {"error": "internal error"})
        assert "127.0.0.1" not in caplog.text


async def test_a_client_that_leaves_ends_its_measurements() -> None:
    async with api() as tried:
        begun = asyncio.Event()

        async def long() -> None:
            begun.set()
            await asyncio.sleep(60)

        tried.measured.before = long
        body = json.dumps(ONE).encode()
        _, writer = await asyncio.open_connection(*tried.at)
        writer.write(posted(f"Content-Length: {len(body)}", body))
        await asyncio.wait_for(begun.wait(), PATIENCE)
        writer.transport.abort()
        await asyncio.wait_for(tried.measured.cancelled.wait(), PATIENCE)


async def test_a_body_that_trickles_is_given_up() -> None:
    async with api(body_within=0.2) as tried:
        told = await tried.raw(posted("Content-Length: 40"), more=b" " * 10, pause=0.03)
        assert told.startswith(b"HTTP/1.1 408 ")
        assert tried.measured.asked == []


@pytest.mark.parametrize("begun", [b"", b"POST /v1/measure HTTP/1.1\r\nHost: x\r\n"])
async def test_a_head_that_trickles_is_cut_off(begun: bytes) -> None:
    async with api(limits=DoorLimits(head=1.0)) as tried:
        reader, writer = await asyncio.open_connection(*tried.at)
        ended = asyncio.create_task(reader.read())
        with contextlib.closing(writer):
            writer.write(begun)
            for octet in b"X-A: " + b"a" * 600:  # half a minute of it
                if ended.done():
                    break
                writer.write(bytes([octet]))
                await asyncio.sleep(0.05)
        assert ended.done()
        assert isinstance(ended.exception(), ConnectionError) or ended.result() == b""
        assert (await tried.http.get("/v1/health")).status_code == 200


async def test_a_tls_handshake_that_never_comes_is_cut_off() -> None:
    async with api(limits=QUICK, tls=True) as tried:
        assert await tried.raw(b"") == b""
        assert await tried.raw(b"GET / HTTP/1.1\r\n\r\n") is not None  # and nothing else breaks


async def test_clients_that_leave_in_their_tls_handshake_hold_no_place() -> None:
    limits = DoorLimits(served=4, served_each=4)
    async with api(limits=limits, tls=True) as tried:
        for _ in range(12):
            _, writer = await asyncio.open_connection(*tried.at)
            writer.write(b"\x16\x03\x01\x02\x00\x01")
            await asyncio.sleep(0.01)
            writer.close()
        trust = ssl.create_default_context(cafile=ca_file())
        async with httpx.AsyncClient(verify=trust, trust_env=False, timeout=PATIENCE) as client:
            answer = await client.get(f"https://localhost:{tried.at.port}/", headers=KNOWN)
        assert answer.status_code == 404


async def test_an_answer_that_is_not_taken_is_cut_off() -> None:
    async with api(limits=QUICK) as tried:

        async def forever() -> None:
            await asyncio.sleep(60)

        tried.measured.before = forever
        body = json.dumps(ONE).encode()
        assert await tried.raw(posted(f"Content-Length: {len(body)}", body)) == b""
        await asyncio.wait_for(tried.measured.cancelled.wait(), PATIENCE)


@pytest.mark.parametrize(
    "nonsense",
    [b"\x16\x03\x01\x02\x00" * 50, b"GET\r\n\r\n", b"A" * 40_000, b"\x00" * 100,
     b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"],
)  # fmt: skip
async def test_nonsense_ends_its_own_connection_only(nonsense: bytes) -> None:
    async with api(limits=QUICK) as tried:
        assert (await tried.raw(nonsense)).startswith((b"HTTP/1.1 400 ", b""))
        assert (await tried.http.get("/v1/health")).status_code == 200


async def test_one_client_that_holds_its_share_of_connections_leaves_room_for_others() -> None:
    limits = DoorLimits(head=30, served=8, served_each=4)
    async with api(limits=limits) as tried:
        held = [await asyncio.open_connection(*tried.at) for _ in range(20)]
        other = await asyncio.to_thread(get_from, "127.0.0.2", tried.at)
        assert other.startswith(b"HTTP/1.1 401 ")
        for _, writer in held:
            writer.close()
        assert (await tried.http.get("/v1/health")).status_code == 200


def get_from(ip: str, at: Endpoint) -> bytes:
    with socket.create_connection(at, PATIENCE, (ip, 0)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return sock.recv(4096)


async def test_a_thousand_requests_at_once_are_all_answered() -> None:
    rate, places = 400, 24
    async with api(rate=rate) as tried:
        inside = 0
        full = asyncio.Event()

        async def working() -> None:
            nonlocal inside
            if inside >= places:
                full.set()
                raise BusyError
            inside += 1
            await full.wait()  # however slowly they come, all places are taken once
            inside -= 1

        tried.measured.before = working
        limits = httpx.Limits(max_connections=1000)
        began = asyncio.get_running_loop().time()
        async with httpx.AsyncClient(limits=limits, trust_env=False, timeout=200) as many:
            url = f"http://127.0.0.1:{tried.at.port}{MEASURE}"
            sent = [many.post(url, json=ONE, headers=KNOWN) for _ in range(1000)]
            answers = await asyncio.gather(*sent)
        minutes = (asyncio.get_running_loop().time() - began) / 60
        codes = [answer.status_code for answer in answers]
        assert set(codes) == {200, 429, 503}
        # The bucket, and what it filled meanwhile.
        assert rate <= 1000 - codes.count(429) <= rate * (1 + minutes) + 1
        assert (await tried.http.post(MEASURE, json=ONE)).status_code in {200, 429}


async def test_clients_are_logged_only_where_the_operator_wants_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    for wanted in (False, True):
        async with api(log_clients=wanted) as tried:
            await tried.http.post(MEASURE, json=ONE)
            await tried.http.post(MEASURE, content=b"{", headers={"Authorization": "no"})
        ours = [r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpc"))]
        assert any("127.0.0.1" in line for line in ours) is wanted
        assert not any(TOKEN in line or "shop.example" in line for line in ours)
