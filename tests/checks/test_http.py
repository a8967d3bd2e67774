"""probe.checks.http and exchange: what an answer leaves behind, and what it must not."""

import asyncio
import gzip

import pytest
from support.authority import serving
from support.kits import Done, run_check
from support.servers import Serve, http, page, tls

from probe.checks.exchange import KEPT
from probe.checks.expect import Expect
from probe.checks.http import HttpCheck, HttpsCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, FakePeer

WEB, SECURE = Endpoint("192.0.2.1", 80), Endpoint("192.0.2.1", 443)
OWN = "198.51.100.77"


def plain(serve: Serve, **options) -> Done:
    net = FakeNetwork(names={"a.example": ("192.0.2.1",)}, tcp={WEB: serve})
    return run_check(HttpCheck(host="a.example", port=80, **options), net)


def secure(response: bytes, **options) -> Done:
    serve = tls(serving("a.example"), response)
    net = FakeNetwork(names={"a.example": ("192.0.2.1",)}, tcp={SECURE: serve})
    return run_check(HttpsCheck(host="a.example", port=443, **options), net)


def test_an_https_answer_is_five_steps_on_one_connection() -> None:
    done = secure(page(b"hello"))
    assert done.ops()[1:] == [
        ("connect", 2, None),
        ("tls_handshake", 2, None),
        ("http_request", 2, None),
        ("http_response", 2, None),
        ("transfer", 2, None),
    ]
    request = done.only("http_request").detail
    assert (request["method"], request["host"], request["path"]) == ("GET", "a.example", "/")
    assert done.only("http_response").detail["status"] == 200
    transfer = done.only("transfer").detail
    assert (transfer["bytes"], transfer["complete"]) == (5, True)
    assert done.only("tls_handshake").detail["alpn"] == "http/1.1"


def test_the_request_looks_like_any_browsers_and_names_its_host() -> None:
    seen = b""

    async def watch(peer: FakePeer) -> None:
        nonlocal seen
        seen = await peer.receive()
        peer.send(page())

    plain(watch, path="/a?b=c")
    lines = seen.decode().split("\r\n")
    assert lines[0] == "GET /a?b=c HTTP/1.1"
    assert {"Host: a.example", "User-Agent: browser", "Connection: close"} <= set(lines)
    assert "probe" not in seen.decode()


@pytest.mark.parametrize(("size", "limit", "complete"), [(10, 100, True), (500, 100, False)])
def test_a_body_is_read_to_its_end_or_to_the_limit_without_a_failure(
    size: int, limit: int, complete: bool
) -> None:
    transfer = plain(http(page(b"x" * size)), transfer=limit).only("transfer")
    assert transfer.failure is None
    assert transfer.detail["bytes"] == min(size, limit)
    assert transfer.detail["complete"] is complete
    assert transfer.detail["progress"][-1][1] == min(size, limit)


def test_a_body_that_stalls_fails_at_the_deadline_with_what_came_until_then() -> None:
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 40
    transfer = plain(http(response, then="silence")).only("transfer")
    assert (transfer.failure, transfer.t - transfer.t0) == ("generic_timeout_error", 20.0)
    assert (transfer.detail["bytes"], transfer.detail["complete"]) == (40, False)


def test_bytes_are_sampled_over_time_and_bounded() -> None:
    async def drip(peer: FakePeer) -> None:
        await peer.receive()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1000):
            await asyncio.sleep(0.01)
            peer.send(b"x" * 100)
        peer.send(b"")

    progress = plain(drip, transfer=100_000).only("transfer").detail["progress"]
    assert 32 <= len(progress) <= 65
    assert progress == sorted(progress)
    assert progress[-1] == [pytest.approx(10.0), 100_000]


@pytest.mark.parametrize(
    ("response", "op", "failure"),
    [
        (b"SSH-2.0-x\r\n", "http_response", "http_request_failed"),
        (b"", "http_response", "eof_error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "transfer", "eof_error"),
    ],
)
def test_a_broken_answer_fails_where_it_breaks(response: bytes, op: str, failure: str) -> None:
    assert plain(http(response)).ops()[-1] == (op, 2, failure)


def test_headers_and_bodies_that_quote_the_client_are_scrubbed() -> None:
    echo = f"<p>You are {OWN}, curl/{OWN}, proxied by 203.0.113.9; this is 192.0.2.1</p>".encode()
    done = plain(http(page(echo, "403 Forbidden", f"X-Client: {OWN}", "Via: 203.0.113.9")))
    headers = dict(done.only("http_response").detail["headers"])
    assert headers["x-client"] == headers["via"] == "[scrubbed]"
    body = done.kept[done.only("transfer").detail["body"]].decode()
    assert body == (
        "<p>You are [scrubbed], curl/[scrubbed], proxied by [scrubbed]; this is 192.0.2.1</p>"
    )


def test_a_compressed_body_is_scrubbed_and_kept_as_text() -> None:
    packed = page(gzip.compress(f"you: {OWN}".encode()), "200 OK", "Content-Encoding: gzip")
    done = plain(http(packed))
    assert done.kept[done.only("transfer").detail["body"]] == b"you: [scrubbed]"


@pytest.mark.parametrize(
    ("status", "options", "kept"),
    [
        ("200 OK", {}, False),
        ("451 Unavailable", {}, True),
        ("500 Oops", {}, True),
        ("200 OK", {"expect": Expect(body="another page")}, True),
        ("200 OK", {"expect": Expect(body="hello")}, False),
    ],
)
def test_over_https_only_a_body_that_may_be_a_block_page_is_kept(
    status: str, options: dict, kept: bool
) -> None:
    assert ("body" in secure(page(b"hello", status), **options).only("transfer").detail) is kept


def test_of_a_long_body_the_beginning_is_kept_whatever_its_bytes() -> None:
    done = plain(http(page(b"\xff\x00" * KEPT)), transfer=4 * KEPT)
    assert done.kept[done.only("transfer").detail["body"]] == (b"\xff\x00" * KEPT)[:KEPT]


def test_an_answer_that_is_not_as_expected_fails_after_the_transfer() -> None:
    done = secure(page(b"hello", "404 Not Found"), expect=Expect(status=200))
    assert done.ops()[-2:] == [("transfer", 2, None), ("expect", 2, "http_unexpected_status_code")]
    assert done.only("expect").detail["error"] == "status 404"


def moved(to: str, status: str = "302 Found") -> bytes:
    return page(b"", status, f"Location: {to}")


def test_a_redirect_is_recorded_and_followed_only_on_request() -> None:
    response = http(moved("/next"))
    assert plain(response).ops()[-1] == ("transfer", 2, None)
    followed = plain(response, follow=3)
    assert [op for op, *_ in followed.ops()].count("redirect") == 3  # then the limit ends the loop
    assert followed.ops()[-1] == ("transfer", 2, None)


@pytest.mark.parametrize(
    ("location", "failure"),
    [
        ("http://10.0.0.1/admin", "http_invalid_redirect_location_host"),
        ("http://localhost/", "http_invalid_redirect_location_host"),
        ("http://[::ffff:127.0.0.1]/", "http_invalid_redirect_location_host"),
        ("http://169.254.169.254/latest/meta-data", "http_invalid_redirect_location_host"),
        ("http://0x7f000001/", "http_invalid_redirect_location_host"),
        ("http://inside.example/", "http_invalid_redirect_location_host"),
        ("ftp://b.example/", "http_invalid_redirect_location_host"),
        ("http://b.example:99999/", "http_invalid_redirect_location_host"),
        ("http://[broken/", "http_invalid_redirect_location_host"),
        ("http://gone.example/", "dns_nxdomain_error"),
    ],
)
def test_a_redirect_leads_neither_inside_nor_nowhere(location: str, failure: str) -> None:
    net = FakeNetwork(
        names={
            "a.example": ("192.0.2.1",),
            "inside.example": ("10.0.0.1",),
            "0x7f000001": ("127.0.0.1",),  # as getaddrinfo understands it
        },
        tcp={WEB: http(moved(location))},
    )
    done = run_check(HttpCheck(host="a.example", port=80, follow=2), net)
    assert done.only("redirect").failure == failure
    assert net.dialled == [WEB]


def test_a_redirect_from_http_to_https_on_another_host_is_followed() -> None:
    net = FakeNetwork(
        names={"a.example": ("192.0.2.1",), "b.example": ("192.0.2.2",)},
        tcp={
            WEB: http(moved("https://b.example/x")),
            Endpoint("192.0.2.2", 443): tls(serving("b.example"), page(b"there")),
        },
    )
    done = run_check(HttpCheck(host="a.example", port=80, follow=1), net)
    assert done.ops()[-1] == ("transfer", 2, None)
    assert done.only("tls_handshake").detail["server_name"] == "b.example"
    assert done.only("tls_handshake").address == "192.0.2.2:443"
