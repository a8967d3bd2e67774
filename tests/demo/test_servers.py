"""What a raw client sees of each behaviour, on real sockets."""

import asyncio
import errno
import socket
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from probe.demo.authority import Authority
from probe.demo.servers import Server
from probe.demo.world import Host

NAME = "shop.test"
GET = b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"
SILENCE = 0.3  # seconds without a byte that count as silence on loopback


class Story:
    """The seconds since the story began, set by hand."""

    now = 0.0


@pytest.fixture(autouse=True)
async def nothing_unhandled():
    """A server task that dies of a client would only be heard of here."""
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    yield
    await asyncio.sleep(0)
    assert complaints == []


@pytest.fixture
def serving(tmp_path):
    @asynccontextmanager
    async def start(**about):
        host = Host.model_validate({"name": NAME, "address": "127.9.8.7", **about})
        authority = Authority(tmp_path, datetime.now(UTC))
        kinds = {host.certificate, *(change.certificate for change in host.changes)}
        contexts = {kind: authority.context(NAME, kind) for kind in kinds}
        server = Server(host, contexts, lambda: Story.now)
        try:
            yield server.endpoint, ssl.create_default_context(cafile=str(authority.ca_file))
        finally:
            await server.stop()

    Story.now = 0.0
    return start


@asynccontextmanager
async def dialled(endpoint):
    with socket.socket() as sock:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, endpoint)
        yield sock


async def say(sock, data):
    await asyncio.get_running_loop().sock_sendall(sock, data)


async def hear(sock, within=30.0):
    async with asyncio.timeout(within):
        return await asyncio.get_running_loop().sock_recv(sock, 65536)


async def everything(endpoint, request, context=None):
    name = NAME if context else None
    reader, writer = await asyncio.open_connection(*endpoint, ssl=context, server_hostname=name)
    try:
        writer.write(request)
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def client_hello():
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=NAME)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


async def test_https_serves_its_page_under_a_certificate_that_verifies(serving):
    async with serving(serves="https", body="welcome\n") as (endpoint, context):
        head, _, body = (await everything(endpoint, GET, context)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"welcome\n"


async def test_a_media_host_serves_as_many_bytes_as_it_says(serving):
    async with serving(serves="https", size="300KiB") as (endpoint, context):
        head, _, body = (await everything(endpoint, GET, context)).partition(b"\r\n\r\n")
    assert b"content-length: 307200\r\n" in head.lower()
    assert len(body) == 307200


@pytest.mark.parametrize("status", [204, 304, 404, 451, 503])
async def test_http_answers_with_the_status_of_the_host(serving, status):
    async with serving(serves="http", status=status, body="page\n") as (endpoint, _):
        head, _, body = (await everything(endpoint, GET)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert body == (b"" if status in {204, 304} else b"page\n")


async def test_head_is_answered_without_a_body(serving):
    async with serving(serves="http", body="page\n") as (endpoint, _):
        answer = await everything(endpoint, GET.replace(b"GET", b"HEAD"))
    assert b"content-length: 5\r\n" in answer.lower()
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("kind", "code"), [("expired", 10), ("self_signed", 18), ("wrong_name", 62)]
)
async def test_a_faulty_certificate_is_what_the_client_sees(serving, kind, code):
    async with serving(serves="https", certificate=kind) as (endpoint, context):
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            await everything(endpoint, GET, context)
    assert caught.value.verify_code == code


@pytest.mark.parametrize("serves", ["https", "http", "tcp"])
async def test_reset_is_an_rst_and_comes_only_after_the_first_bytes(serving, serves):
    async with (
        serving(serves=serves, behaviour="reset") as (endpoint, _),
        dialled(endpoint) as sock,
    ):
        with pytest.raises(TimeoutError):
            await hear(sock, within=SILENCE)
        await say(sock, client_hello())
        with pytest.raises(ConnectionResetError) as caught:
            await hear(sock)
    assert caught.value.errno == errno.ECONNRESET


@pytest.mark.parametrize("serves", ["https", "http", "tcp"])
async def test_close_is_a_fin_and_comes_only_after_the_first_bytes(serving, serves):
    async with (
        serving(serves=serves, behaviour="close") as (endpoint, _),
        dialled(endpoint) as sock,
    ):
        with pytest.raises(TimeoutError):
            await hear(sock, within=SILENCE)
        await say(sock, client_hello())
        assert await hear(sock) == b""
        # No RST follows, although the client goes on talking.
        await say(sock, b"still there?")
        assert await hear(sock) == b""


@pytest.mark.parametrize("serves", ["https", "http", "tcp"])
async def test_silent_accepts_and_never_answers(serving, serves):
    async with (
        serving(serves=serves, behaviour="silent") as (endpoint, _),
        dialled(endpoint) as sock,
    ):
        await say(sock, client_hello())
        with pytest.raises(TimeoutError):
            await hear(sock, within=SILENCE)


async def test_refused_is_an_rst_to_the_syn_and_nobody_else_can_take_the_port(serving):
    async with serving(serves="tcp", behaviour="refused") as (endpoint, _):
        with pytest.raises(ConnectionRefusedError):
            async with dialled(endpoint):
                pass
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(endpoint)


async def test_stall_sends_half_of_the_body_and_then_nothing(serving):
    async with serving(serves="http", behaviour="stall", body="x" * 10) as (endpoint, _):
        reader, writer = await asyncio.open_connection(*endpoint)
        writer.write(GET)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"content-length: 10\r\n" in head.lower()
        assert await reader.readexactly(5) == b"xxxxx"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SILENCE):
                await reader.read(1)
        writer.close()
        await writer.wait_closed()


async def test_a_tcp_service_greets_first(serving):
    async with (
        serving(serves="tcp", greeting="220 hello\r\n") as (endpoint, _),
        dialled(endpoint) as sock,
    ):
        assert await hear(sock) == b"220 hello\r\n"


async def test_a_tcp_service_without_a_greeting_stays_open(serving):
    async with serving(serves="tcp") as (endpoint, _), dialled(endpoint) as sock:
        await say(sock, b"anybody?")
        with pytest.raises(TimeoutError):
            await hear(sock, within=SILENCE)


async def test_a_filter_resets_by_the_server_name_alone(serving):
    about = {"serves": "https", "body": "ok\n", "behaviour": "filtered"}
    async with serving(**about) as (endpoint, context):
        with pytest.raises(ConnectionResetError):
            await everything(endpoint, GET, context)
        context.check_hostname = False
        for name in ("neutral.test", f"www.{NAME}", None):
            reader, writer = await asyncio.open_connection(
                *endpoint, ssl=context, server_hostname=name or ""
            )
            writer.write(GET)
            assert (await reader.read()).endswith(b"ok\n")
            writer.close()
            await writer.wait_closed()


async def test_the_story_changes_the_host_while_it_runs(serving):
    changes = [
        {"from": "4s", "until": "9s", "behaviour": "reset"},
        {"from": "9s", "until": "12s", "status": 503},
        {"from": "12s", "until": "15s", "certificate": "expired"},
    ]
    async with serving(serves="https", body="ok\n", changes=changes) as (endpoint, context):
        seen = []
        for Story.now in (0.0, 3.999, 4.0, 8.999, 9.0, 12.0, 15.0):
            try:
                seen.append((await everything(endpoint, GET, context))[9:12])
            except (ConnectionResetError, ssl.SSLCertVerificationError) as exc:
                seen.append(exc.errno if isinstance(exc, ConnectionResetError) else exc.verify_code)
    assert seen == [b"200", b"200", errno.ECONNRESET, errno.ECONNRESET, b"503", 10, b"200"]


HOSTILE = [
    b"",
    b"\0",
    b"\x16\x03\x01\xff\xff" + b"\xff" * 5000,
    b"\r\n" * 40000,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\nZZ\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000,
    b"\xff\xfe" * 30000,
    GET * 500,
]


@pytest.mark.parametrize("serves", ["https", "http", "tcp"])
@pytest.mark.parametrize("behaviour", ["healthy", "reset", "close", "silent"])
async def test_hostile_clients_end_nothing_but_their_own_connection(serving, serves, behaviour):
    # The same server turns healthy again in the end, to show that it still answers.
    about = {"serves": serves, "greeting": "alive", "body": "alive"}
    changes = [{"from": "1s", "until": "9s", "behaviour": behaviour}]
    async with serving(**about, changes=changes) as (endpoint, context):
        Story.now = 1.0
        for data in HOSTILE:
            async with dialled(endpoint) as sock:
                try:
                    await say(sock, data)
                    sock.shutdown(socket.SHUT_WR)
                    while await hear(sock, within=2):
                        pass
                except OSError:
                    continue
        Story.now = 9.0
        if serves == "tcp":
            async with dialled(endpoint) as sock:
                assert await hear(sock) == b"alive"
        else:
            answer = await everything(endpoint, GET, context if serves == "https" else None)
            assert answer.endswith(b"alive")


@pytest.mark.parametrize("data", [b"GET\r\n\r\n", b"X" * 40000, b"\xff\xff\r\n\r\n"])
async def test_what_is_no_request_gets_400(serving, data):
    async with serving(serves="http", body="page") as (endpoint, _), dialled(endpoint) as sock:
        await say(sock, data)
        assert (await hear(sock)).startswith(b"HTTP/1.1 400 ")


async def test_a_client_that_resets_in_the_middle_harms_nobody(serving):
    async with serving(serves="https", size="4MiB", body="") as (endpoint, context):
        for data in (b"", client_hello()[:20], client_hello()):
            async with dialled(endpoint) as sock:
                await say(sock, data)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        reader, writer = await asyncio.open_connection(*endpoint, ssl=context, server_hostname=NAME)
        writer.write(GET)
        await reader.readexactly(100)
        writer.transport.abort()
        assert len(await everything(endpoint, GET, context)) > 4 * 1024 * 1024


@pytest.mark.parametrize("serves", ["https", "http", "tcp"])
@pytest.mark.parametrize("behaviour", ["healthy", "silent", "close", "reset"])
async def test_stopping_ends_connections_in_every_state(serving, serves, behaviour):
    before = asyncio.all_tasks()
    socks = []
    async with serving(serves=serves, behaviour=behaviour) as (endpoint, _):
        for data in (b"", b"\x16", GET[:10], client_hello()):
            sock = socket.socket()
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, endpoint)
            await say(sock, data)
            socks.append(sock)
        await asyncio.sleep(0.02)  # lets the server get as far as it can with each
    assert asyncio.all_tasks() == before
    for sock in socks:
        with sock:
            try:
                while await hear(sock):
                    pass
            except ConnectionResetError:
                continue


async def test_a_port_that_is_taken_is_an_error(serving):
    async with serving(serves="http") as (endpoint, _):
        host = Host(name=NAME, address=endpoint.ip, port=endpoint.port, serves="http")
        with pytest.raises(OSError, match="in use"):
            Server(host, {}, lambda: 0.0)
