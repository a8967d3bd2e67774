"""The decoy on real sockets: every name, both protocols, and clients that mean harm."""

import asyncio
import hashlib
import re
import socket
import ssl
import stat
import zlib
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from probe.control.decoy import Decoy, Limits
from probe.control.sessions import Sessions
from probe.core.address import Endpoint
from probe.net.clocks import FakeClock

HERE = "127.0.8.1"
CLIENT = "198.51.100.7"
SIZE = 256 * 1024  # the largest transfer in these tests
PATIENCE = 30.0  # seconds for what must happen: how soon, the machine decides


@pytest.fixture
def clock():
    return FakeClock(datetime(2017, 7, 18, tzinfo=UTC))


@pytest.fixture
def sessions(clock):
    return Sessions(clock, bytes_max=SIZE)


@pytest.fixture
def token(sessions):
    return sessions.open(CLIENT)


@pytest.fixture
async def starting(sessions, tmp_path):
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    started = []

    async def start(*listen, **limits):
        at = listen or (Endpoint(HERE, 0),)
        decoy = await Decoy.start(at, sessions, tmp_path, limits=Limits(**limits))
        started.append(decoy)
        return decoy

    yield start
    for decoy in started:
        await decoy.close()
    assert complaints == []


def context(version=None, alpn=()):
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if version:
        made.minimum_version = made.maximum_version = version
    if alpn:
        made.set_alpn_protocols(alpn)
    return made


@asynccontextmanager
async def dialled(decoy, tls=None, name=None):
    at = decoy.endpoints[0]
    # asyncio sends no name for an empty one.
    server_name = (name or "") if tls else None
    reader, writer = await asyncio.open_connection(*at, ssl=tls, server_hostname=server_name)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def answer(decoy, request, tls=None, name=None):
    async with dialled(decoy, tls, name) as (reader, writer):
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
            return await reader.read()


async def until(there):
    """Look again and again: when the decoy comes to it, the machine decides."""
    async with asyncio.timeout(PATIENCE):
        while not there():  # noqa: ASYNC110 - it gives no sign of its own
            await asyncio.sleep(0.01)


def get(path, *headers):
    lines = [f"GET {path} HTTP/1.1", "Host: a.example", *headers, "\r\n"]
    return "\r\n".join(lines).encode()


def status_of(response):
    return int(response.split(b" ", 2)[1])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", [None, "www.example.com", "blocked.example", "x" * 60 + ".test"])
async def test_every_server_name_gets_the_certificate_that_the_session_tells(
    starting, version, name
):
    decoy = await starting()
    async with dialled(decoy, context(version, ["h2", "http/1.1"]), name) as (_, writer):
        tls = writer.get_extra_info("ssl_object")
        assert hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest() == decoy.leaf
        assert tls.version() == version.name.replace("v1_", "v1.")
        assert tls.selected_alpn_protocol() == "http/1.1"


async def test_a_client_that_offers_other_protocols_or_none_is_served_too(starting):
    decoy = await starting()
    for alpn in ([], ["h2"]):
        response = await answer(decoy, get("/"), context(alpn=alpn), "a.example")
        assert status_of(response) == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_no_ticket_is_given_by_which_a_handshake_could_be_shortened(starting, version):
    """A resumed session shows no certificate."""
    decoy = await starting()
    session = await asyncio.to_thread(handshake, decoy.endpoints[0], context(version))
    assert session is None or not session.has_ticket


def handshake(at, tls):
    with (
        socket.create_connection(at, timeout=PATIENCE) as sock,
        tls.wrap_socket(sock, server_hostname="a.example") as wrapped,
    ):
        return wrapped.session


@pytest.mark.parametrize("host", ["www.example.com", "blocked.example:8443", "[::1]"])
async def test_the_page_is_the_same_over_both_protocols_and_for_every_host(starting, host):
    decoy = await starting()
    at = decoy.endpoints[0]
    async with httpx.AsyncClient(verify=context(), trust_env=False) as client:
        for scheme in ("http", "https"):
            extensions = {"sni_hostname": host.partition(":")[0]} if "[" not in host else {}
            response = await client.get(
                f"{scheme}://{at}/", headers={"Host": host}, extensions=extensions
            )
            assert response.status_code == 200
            assert response.text == decoy.page
            assert response.headers["content-type"].startswith("text/html")
            assert response.headers["connection"] == "close"


async def test_the_page_is_neutral_short_ascii(starting):
    page = (await starting()).page
    assert page.isascii()
    assert 200 < len(page) < 1000
    assert "<title>" in page
    assert not re.search("block|censor|forbid|denied|filter|vpn|decoy|probe", page, re.IGNORECASE)


@pytest.mark.parametrize("size", [0, 1, 65537, SIZE])
@pytest.mark.parametrize("tls", [None, context()])
async def test_a_transfer_has_exactly_as_many_octets_and_cannot_be_compressed(
    starting, token, size, tls
):
    decoy = await starting()
    response = await answer(decoy, get(f"/bytes/{size}?token={token}"), tls, "a.example")
    head, _, body = response.partition(b"\r\n\r\n")
    assert status_of(head) == 200
    assert f"Content-Length: {size}\r\n".encode() in head
    assert len(body) == size
    assert len(zlib.compress(body, 9)) >= size


async def test_transfers_are_for_live_sessions_only(starting, token, clock):
    decoy = await starting()
    wrong = ["", f"?token={token}x", f"?token={token[:-1]}", "?token=", "?token=%ff%00", "?x=1&&=;"]
    for query in wrong:
        assert status_of(await answer(decoy, get(f"/bytes/10{query}"))) == 403
    clock.advance(60)
    assert status_of(await answer(decoy, get(f"/bytes/10?token={token}"))) == 403


@pytest.mark.parametrize(
    "size", ["-1", "+1", "1.5", "1e3", "0x10", "", "٣", "9" * 400, SIZE + 1, "10/", "%31"]
)
async def test_what_is_no_size_or_too_large_is_not_found(starting, token, size):
    decoy = await starting()
    request = get(f"/bytes/{size}?token={token}")
    assert status_of(await answer(decoy, request)) in {404, 400}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/nothing"), 404),
        (get("/../etc/passwd"), 404),
        (get("http://elsewhere.example/"), 404),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + bytes(100_000), 405),
        (b"GET / HTTP/1.0\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"\x80\xff\x00 garbage\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (get("/", "X: " + "x" * 8192), 431),
        (b"GET /" + b"x" * 20_000, 431),
    ],
)
async def test_other_requests_are_refused_and_the_answer_arrives(starting, request_, status):
    decoy = await starting()
    response = await answer(decoy, request_)
    assert status_of(response) == status
    assert (b"Allow: GET, HEAD" in response) == (status == 405)


async def test_head_has_the_length_and_no_body(starting, token):
    decoy = await starting()
    for path in ("/", f"/bytes/{SIZE}?token={token}"):
        response = await answer(decoy, get(path).replace(b"GET", b"HEAD", 1))
        assert status_of(response) == 200
        assert response.endswith(b"\r\n\r\n")
        assert f"Content-Length: {SIZE if 'bytes' in path else len(decoy.page)}\r\n" in str(
            response, "ascii"
        )


async def test_one_connection_gets_one_answer(starting):
    decoy = await starting()
    assert (await answer(decoy, get("/") * 3)).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"\x16",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03half a hello",
        b"\x16garbage that is no record at all" * 50,
    ],
)
async def test_who_is_silent_half_way_is_cut_off_at_the_deadline(starting, sent):
    decoy = await starting(head=0.5, handshake=0.5, goodbye=0.1)
    async with dialled(decoy) as (reader, writer):
        writer.write(sent)
        async with asyncio.timeout(PATIENCE):
            try:
                rest = await reader.read()
            except ConnectionResetError:
                rest = b""
        assert len(rest) <= 7  # an alert at most
    assert status_of(await answer(decoy, get("/"))) == 200


async def test_octets_one_by_one_prolong_nothing(starting):
    decoy = await starting(head=0.1)
    async with dialled(decoy) as (reader, writer):
        ended = asyncio.create_task(reader.read())
        async with asyncio.timeout(PATIENCE):
            for octet in get("/", "X: " + "x" * 2000):  # 20 seconds of it
                writer.write(bytes([octet]))
                await asyncio.sleep(0.01)
                if ended.done():
                    break
        assert ended.done()
        with_nothing = ended.exception() or ended.result() == b""
        assert with_nothing


async def test_a_client_that_does_not_read_is_cut_off(clock, tmp_path):
    size = 16 << 20  # more than the kernel keeps for a reader that sleeps
    sessions = Sessions(clock, bytes_max=size)
    limits = Limits(body=0.1, goodbye=0.1)
    decoy = await Decoy.start([Endpoint(HERE, 0)], sessions, tmp_path, limits=limits)
    async with dialled(decoy) as (reader, writer):
        writer.write(get(f"/bytes/{size}?token={sessions.open(CLIENT)}"))
        await until(lambda: not decoy._listener._connections)
        async with asyncio.timeout(PATIENCE):
            assert len(await reader.read()) < size
    await decoy.close()


async def test_a_client_that_vanishes_harms_nobody(starting, token):
    decoy = await starting()
    for tls in (None, context()):
        for _ in range(5):
            async with dialled(decoy, tls, "a.example") as (_, writer):
                writer.write(get(f"/bytes/{SIZE}?token={token}"))
                await asyncio.sleep(0)
    assert status_of(await answer(decoy, get("/"))) == 200


async def test_connections_are_bounded_in_total_and_from_one_address(starting):
    for limits in ({"most": 3}, {"most_each": 3}):
        decoy = await starting(**limits)
        async with AsyncExitStack() as held:
            for _ in range(3):
                await held.enter_async_context(dialled(decoy))
            await until(lambda: len(decoy._listener._connections) == 3)  # noqa: B023
            with pytest.raises(ConnectionResetError):
                await answer(decoy, b"")
        await until(lambda: not decoy._listener._connections)  # noqa: B023
        assert status_of(await answer(decoy, get("/"))) == 200


async def test_a_slow_reader_gets_all_of_it_after_the_decoy_has_let_go(starting, token):
    """A throttled line takes longer to deliver the end than the decoy waits for the client."""
    decoy = await starting(goodbye=0.05)
    for tls in (None, context()):
        async with dialled(decoy, tls, "a.example") as (reader, writer):
            writer.write(get(f"/bytes/{SIZE}?token={token}"))
            writer.transport.pause_reading()
            await asyncio.sleep(0.3)
            writer.transport.resume_reading()
            async with asyncio.timeout(PATIENCE):
                _, _, body = (await reader.read()).partition(b"\r\n\r\n")
            assert len(body) == SIZE


async def test_the_certificate_is_kept_over_restarts_and_its_key_is_private(sessions, tmp_path):
    folder = tmp_path / "new" / "state"
    leaves = []
    for _ in range(2):
        decoy = await Decoy.start([Endpoint(HERE, 0)], sessions, folder)
        leaves.append(decoy.leaf)
        await decoy.close()
        (file,) = folder.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.chmod(0o644)  # as a careless copy leaves it; mended at the next start
    assert leaves[0] == leaves[1]


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
async def test_a_damaged_certificate_is_named_and_the_port_given_back(sessions, tmp_path, content):
    (tmp_path / "decoy.pem").write_bytes(content)
    with socket.socket() as free:
        free.bind((HERE, 0))
        at = Endpoint(*free.getsockname())
    with pytest.raises(ValueError, match=r"decoy\.pem .* remove it"):
        await Decoy.start([at], sessions, tmp_path)
    (tmp_path / "decoy.pem").unlink()
    decoy = await Decoy.start([at], sessions, tmp_path)
    await decoy.close()


async def test_several_endpoints_show_one_certificate_also_both_families_on_one_port(starting):
    first = await starting(Endpoint("0.0.0.0", 0), Endpoint(HERE, 0))
    assert len({at.port for at in first.endpoints}) == 2
    port = first.endpoints[0].port
    await first.close()
    both = await starting(Endpoint("0.0.0.0", port), Endpoint("::", port))
    async with httpx.AsyncClient(verify=context(), trust_env=False) as client:
        for host in (HERE, "[::1]"):
            assert (await client.get(f"https://{host}:{port}/")).text == both.page
    assert both.leaf == first.leaf
