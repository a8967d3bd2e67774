"""probe.checks.steps: connect and handshake, at every address, each in its own transaction."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from support.authority import known_to_browsers, serving
from support.kits import run_check
from support.servers import accepting, page, silent, tls

from probe.checks.steps import STAGGER
from probe.checks.tcp import TcpCheck
from probe.checks.tls import TlsCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, FakePeer, os_error
from probe.plan.target import parse_target

IPS = [f"192.0.2.{n}" for n in range(1, 7)]
TCP = TcpCheck(host="a.example", port=443)


class Slow(FakeNetwork):
    """Dialling takes its time: ``delay`` seconds at each address, or for ever."""

    delay: float = float("inf")

    async def connect(self, endpoint: Endpoint):
        import asyncio

        await asyncio.sleep(min(self.delay, 1e6))
        return await super().connect(endpoint)


def names(*ips: str) -> dict[str, tuple[str, ...]]:
    return {"a.example": ips}


def test_silent_addresses_cost_their_deadline_once() -> None:
    done = run_check(TCP, Slow(names=names(*IPS)))
    connects = [step for step in done.steps if step.op == "connect"]
    assert [step.failure for step in connects] == ["generic_timeout_error"] * 6
    assert connects[-1].t == pytest.approx(10 + 5 * STAGGER)
    assert [step.t0 for step in connects] == pytest.approx([n * STAGGER for n in range(6)])


def test_quick_addresses_follow_one_another_undisturbed() -> None:
    net = Slow(names=names(*IPS), tcp={Endpoint(ip, 443): accepting for ip in IPS})
    net.delay = 0.1
    connects = [step for step in run_check(TCP, net).steps if step.op == "connect"]
    assert [(step.t0, step.t) for step in connects] == [
        (pytest.approx(n * 0.1), pytest.approx(n * 0.1 + 0.1)) for n in range(6)
    ]


def test_a_refusing_address_ends_its_own_transaction_only() -> None:
    net = FakeNetwork(
        names=names("192.0.2.1", "192.0.2.2"),
        tcp={Endpoint("192.0.2.1", 443): os_error(113), Endpoint("192.0.2.2", 443): accepting},
    )
    assert run_check(TCP, net).ops() == [
        ("resolve", 1, None),
        ("connect", 2, "host_unreachable"),
        ("connect", 3, None),
    ]


def test_the_whole_measurement_ends_at_its_budget() -> None:
    done = run_check(TCP, Slow(names=names(*IPS)), budget=4.0)
    assert max(step.t for step in done.steps) == pytest.approx(4.0)
    assert {step.failure for step in done.steps[1:]} == {"generic_timeout_error"}


def test_a_connection_teaches_which_address_is_to_be_hidden() -> None:
    net = FakeNetwork(names=names("192.0.2.1"), tcp={Endpoint("192.0.2.1", 443): accepting})
    scrubber = run_check(TCP, net).kit.trace.scrubber
    assert scrubber.own("me at 198.51.100.77") == "me at [scrubbed]"


def test_the_probe_closes_what_it_opened() -> None:
    seen: list[bytes] = []

    async def watching(peer: FakePeer) -> None:
        seen.append(await peer.receive())

    net = FakeNetwork(names=names("192.0.2.1"), tcp={Endpoint("192.0.2.1", 443): watching})
    run_check(TCP, net)
    assert seen == [b""]


@pytest.mark.parametrize(
    ("kind", "failure", "code"),
    [
        ("valid", None, None),
        ("expired", "ssl_invalid_certificate", 10),
        ("self_signed", "ssl_unknown_authority", 18),
        ("wrong_name", "ssl_invalid_hostname", 62),
    ],
)
def test_the_chain_is_kept_and_described_whether_it_verifies_or_not(
    kind: str, failure: str | None, code: int | None
) -> None:
    net = FakeNetwork(
        names=names("192.0.2.1"),
        tcp={Endpoint("192.0.2.1", 443): tls(serving("a.example", kind))},
    )
    done = run_check(TlsCheck(host="a.example", port=443), net)
    step = done.only("tls_handshake")
    assert (step.failure, step.detail.get("verify_code")) == (failure, code)
    assert (step.detail["server_name"], step.detail["verify"]) == ("a.example", True)
    (kept,) = step.detail["peer_certificates"]
    assert done.kept[kept].startswith(b"\x30\x82")
    name = "somebody-else.example" if kind == "wrong_name" else "a.example"
    assert step.detail["leaf"]["names"] == [name]


@pytest.mark.parametrize("kind", ["valid", "self_signed"])
def test_a_trust_store_that_is_too_old_is_told_from_a_server_that_nobody_trusts(kind: str) -> None:
    net = FakeNetwork(
        names=names("192.0.2.1"),
        tcp={Endpoint("192.0.2.1", 443): tls(serving("a.example", kind))},
    )
    check = TlsCheck(host="a.example", port=443)
    present: Any = {"ca_file": None, "now": partial(datetime.now, UTC)}  # the certificates' own
    with known_to_browsers():
        step = run_check(check, net, **present).only("tls_handshake")
        assert step.failure == "ssl_unknown_authority"
        assert step.detail.get("public_authority", False) is (kind == "valid")
        pinned = replace(check, pin="0" * 64)
        refused = run_check(pinned, net, **present).only("tls_handshake")
        assert "public_authority" not in refused.detail
    again = run_check(check, net, **present).only("tls_handshake")
    assert "public_authority" not in again.detail


def test_a_handshake_without_an_answer_has_no_chain() -> None:
    net = FakeNetwork(names=names("192.0.2.1"), tcp={Endpoint("192.0.2.1", 443): silent})
    step = run_check(TlsCheck(host="a.example", port=443), net).only("tls_handshake")
    assert (step.failure, step.t - step.t0) == ("generic_timeout_error", 10.0)
    assert step.detail["peer_certificates"] == []
    assert "leaf" not in step.detail


def test_another_server_name_is_sent_and_demanded() -> None:
    asked: list[str | None] = []
    context = serving("front.example")
    context.sni_callback = lambda _session, name, _context: asked.append(name)
    net = FakeNetwork(names=names("192.0.2.1"), tcp={Endpoint("192.0.2.1", 443): tls(context)})
    check = TlsCheck(host="a.example", port=443, sni="front.example")
    assert run_check(check, net).only("tls_handshake").failure is None
    assert asked == ["front.example"]


@pytest.mark.parametrize("scheme", ["tls", "https"])
def test_where_a_service_has_authorities_of_its_own_no_other_one_counts(scheme: str) -> None:
    server = tls(serving("a.example"), page())
    net = FakeNetwork(names=names("192.0.2.1"), tcp={Endpoint("192.0.2.1", 443): server})
    for options, failure in (({}, None), ({"roots": "signal"}, "ssl_unknown_authority")):
        check = parse_target(f"{scheme}://a.example", options).check
        step = run_check(check, net).only("tls_handshake")
        assert step.failure == failure
        assert step.detail["leaf"]["names"] == ["a.example"]
