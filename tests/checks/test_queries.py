"""probe.checks.queries: every answer to a query is kept, and the right one decides."""

import asyncio
import errno

import pytest
from support.authority import serving
from support.kits import Done, run_check
from support.nameservers import knowing_over_tcp, over_udp, reply
from support.servers import Serve, closing, page, resetting, silent, tls

from probe.checks.dns import DnsCheck
from probe.checks.queries import MAX_EXTRA
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, FakePeer, os_error
from probe.wire.dns import Query

AT = Endpoint("192.0.2.53", 53)
UDP, TCP = "udp://192.0.2.53", "tcp://192.0.2.53"
CHECK = DnsCheck(host="a.example", port=53)


def ask(serve: Serve | OSError, *, tcp: Serve | None = None, **more) -> Done:
    net = FakeNetwork(udp={AT: serve}, tcp={AT: tcp} if tcp else {})
    return run_check(CHECK, net, UDP, **more)


def test_the_first_answer_counts_and_stands_in_the_step() -> None:
    step = ask(over_udp(lambda peer, query: peer.send(reply(query, "192.0.2.1")))).only("resolve")
    assert (step.failure, step.address) == (None, "192.0.2.53:53")
    assert step.detail["answers"] == [{"type": "A", "data": "192.0.2.1", "ttl": 60}]
    assert (step.detail["resolver"], step.detail["engine"]) == (UDP, "udp")
    assert (step.detail["hostname"], step.detail["query_type"]) == ("a.example", "A")


def test_a_second_answer_is_kept_until_a_second_after_the_first() -> None:
    async def forger_first(peer: FakePeer) -> None:
        query = await peer.receive()
        for delay, ip in ((0.1, "203.0.113.1"), (0.3, "192.0.2.1"), (0.9, "192.0.2.2")):
            await asyncio.sleep(delay)
            peer.send(reply(query, ip))

    first, second = ask(forger_first).steps
    assert (first.op, first.t, first.detail["answers"][0]["data"]) == (
        "resolve",
        0.1,
        "203.0.113.1",
    )
    assert (second.op, second.t, second.t0) == ("extra_answer", 0.4, 0.4)
    assert second.detail["answers"][0]["data"] == "192.0.2.1"
    assert second.detail["wrong_id"] is False
    assert second.transaction == first.transaction


def test_answers_with_a_wrong_id_are_kept_and_listening_goes_on() -> None:
    def wrong_then_right(peer: FakePeer, query: bytes) -> None:
        right = reply(query, "192.0.2.1")
        peer.send(bytes([right[0] ^ 0xFF]) + right[1:])
        peer.send(right)

    extra, step = ask(over_udp(wrong_then_right)).steps
    assert (extra.op, extra.detail["wrong_id"]) == ("extra_answer", True)
    assert (step.op, step.failure) == ("resolve", None)


def test_wrong_ids_alone_are_no_silence() -> None:
    def wrong(peer: FakePeer, query: bytes) -> None:
        raw = reply(query, "192.0.2.1")
        peer.send(bytes([raw[0] ^ 1]) + raw[1:])

    extra, step = ask(over_udp(wrong)).steps
    assert extra.op == "extra_answer"
    assert (step.failure, step.t) == ("dns_reply_with_wrong_query_id", 5.0)


@pytest.mark.parametrize(
    ("serve", "failure", "took"),
    [
        (silent, "generic_timeout_error", 5.0),
        (over_udp(lambda peer, query: peer.send(b"\x00")), "dns_server_misbehaving", 0.0),
        (over_udp(lambda peer, query: peer.send(query)), "dns_server_misbehaving", 0.0),
        (over_udp(lambda peer, query: peer.send(reply(query))), "dns_no_answer", 0.0),
        (os_error(errno.ENETUNREACH), "network_unreachable", 0.0),
        (over_udp(lambda peer, _: peer.outbox.put_nowait(os_error(errno.ECONNREFUSED))),
         "connection_refused", 0.0),
    ],
)  # fmt: skip
def test_a_query_fails_by_what_came(serve: Serve | OSError, failure: str, took: float) -> None:
    step = ask(serve).only("resolve")
    assert (step.failure, step.t) == (failure, took)


def test_the_measurements_own_deadline_is_kept_too() -> None:
    step = ask(silent, budget=2.0).only("resolve")
    assert step.failure == "generic_timeout_error"
    assert step.t == pytest.approx(2.0, abs=0.05)


def test_a_flood_is_kept_bounded() -> None:
    def flood(peer: FakePeer, query: bytes) -> None:
        for n in range(100):
            peer.send(reply(query, f"192.0.2.{n}"))

    steps = ask(over_udp(flood)).steps
    assert [step.op for step in steps] == ["resolve"] + ["extra_answer"] * MAX_EXTRA


def test_a_truncated_answer_fails_and_is_asked_for_again_in_another_transaction() -> None:
    truncated = over_udp(lambda peer, query: peer.send(reply(query, truncated=True)))
    done = ask(truncated, tcp=knowing_over_tcp("192.0.2.1", size=3))
    assert done.ops() == [
        ("resolve", 1, "dns_server_misbehaving"),
        ("connect", 2, None),
        ("resolve", 2, None),
    ]
    assert [step.detail["engine"] for step in done.steps] == ["udp", "tcp", "tcp"]


async def wrong_id(peer: FakePeer) -> None:
    raw = bytearray(reply((await peer.receive())[2:], "192.0.2.1"))
    raw[0] ^= 1
    peer.send(len(raw).to_bytes(2) + raw)


async def half(peer: FakePeer) -> None:
    await peer.receive()
    peer.send(b"\x00\x80half of it")
    peer.send(b"")


@pytest.mark.parametrize(
    ("serve", "failure"),
    [
        (knowing_over_tcp("192.0.2.1", size=1), None),
        (wrong_id, "dns_reply_with_wrong_query_id"),
        (half, "eof_error"),
        (closing, "eof_error"),
        (resetting, "connection_reset"),
        (silent, "generic_timeout_error"),
    ],
)
def test_over_tcp_a_query_is_one_connection(serve: Serve, failure: str | None) -> None:
    done = run_check(CHECK, FakeNetwork(tcp={AT: serve}), TCP)
    assert done.ops() == [("connect", 1, None), ("resolve", 1, failure)]


def secure(response: bytes) -> FakeNetwork:
    """A DoH server that gives one and the same response."""
    return FakeNetwork(
        names={"dns.example": ("192.0.2.99",)},
        tcp={Endpoint("192.0.2.99", 443): tls(serving("dns.example"), response)},
    )


@pytest.mark.parametrize(
    ("response", "failure"),
    [
        (page(b"", "502 Bad Gateway"), "dns_server_misbehaving"),
        (page(b"<html>", "200 OK", "Content-Type: text/html"), "dns_server_misbehaving"),
        (page(b"\x00", "200 OK", "Content-Type: application/dns-message"),
         "dns_server_misbehaving"),
    ],
)  # fmt: skip
def test_a_doh_server_that_gives_something_else_misbehaves(response: bytes, failure: str) -> None:
    done = run_check(CHECK, secure(response), "https://dns.example/q")
    assert [(op, failure) for op, _, failure in done.ops()] == [
        ("bootstrap", None),
        ("connect", None),
        ("tls_handshake", None),
        ("http_request", None),
        ("http_response", None),
        ("transfer", None),
        ("resolve", failure),
    ]
    assert all(step.transaction == 1 for step in done.steps)
    assert all(step.detail["resolver"] == "https://dns.example/q" for step in done.steps)


def test_a_doh_answer_is_read() -> None:
    # RFC 8484 section 4.1: the message id is 0, so that caches may share the answer.
    answer = reply(Query.make("a.example", "A", 0).to_wire(), "192.0.2.1")
    response = page(answer, "200 OK", "Content-Type: application/dns-message")
    done = run_check(CHECK, secure(response), "https://dns.example/q")
    resolve = done.only("resolve")
    assert resolve.failure is None
    assert resolve.detail["answers"][0]["data"] == "192.0.2.1"
    assert done.only("http_request").detail["method"] == "POST"
    assert done.only("http_request").detail["path"] == "/q"
