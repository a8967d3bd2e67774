"""Answers that are no failure and yet evidence: several to one query, and truncated ones."""

import base64
from dataclasses import replace

import dns.message
import pytest
from loopback.probing import PATIENT, Probe, failures
from loopback.scripts import framed, garbage, gives, page, posted, truncated, with_wrong_id
from loopback.servers import Loopback, Reply

from probe.judge.deciding import deciding

UDP = "dns://site.example?resolver=udp://127.0.0.1:{port}"
FIRST, SECOND = gives("A 192.0.2.1"), gives("A 192.0.2.2")
LISTENING = replace(PATIENT, late_answers=0.4)


def _addresses(detail: dict[str, list[dict[str, str]]]) -> list[str]:
    return [record["data"] for record in detail["answers"]]


@pytest.mark.parametrize("delay", [0.0, 0.2], ids=["at once", "200 ms later"])
async def test_a_second_different_answer_is_kept_beside_the_first(
    loopback: Loopback, probe: Probe, delay: float
) -> None:
    port = loopback.resolver(FIRST, delay, SECOND)
    measurement = await probe(UDP.format(port=port), timeouts=LISTENING)
    resolve, extra = measurement.steps
    assert failures(measurement) == []
    assert (resolve.op, _addresses(resolve.detail)) == ("resolve", ["192.0.2.1"])
    assert (extra.op, _addresses(extra.detail)) == ("extra_answer", ["192.0.2.2"])
    assert (extra.transaction, extra.address) == (resolve.transaction, resolve.address)
    assert extra.detail["wrong_id"] is False
    assert extra.t >= resolve.t + delay * 0.9
    kept = base64.b64decode(extra.detail["raw"])
    assert dns.message.from_wire(kept).answer[0][0].to_text() == "192.0.2.2"


async def test_an_answer_with_a_wrong_id_is_kept_and_the_right_one_counts(
    loopback: Loopback, probe: Probe
) -> None:
    port = loopback.resolver(with_wrong_id(SECOND), FIRST)
    measurement = await probe(UDP.format(port=port))
    extra, resolve = measurement.steps
    assert failures(measurement) == []
    assert (resolve.op, _addresses(resolve.detail)) == ("resolve", ["192.0.2.1"])
    assert (extra.op, extra.detail["wrong_id"]) == ("extra_answer", True)
    assert _addresses(extra.detail) == ["192.0.2.2"]


async def test_an_answer_after_one_that_failed_is_kept_too(
    loopback: Loopback, probe: Probe
) -> None:
    port = loopback.resolver(garbage, FIRST)
    measurement = await probe(UDP.format(port=port))
    resolve, extra = measurement.steps
    assert failures(measurement) == [("resolve", "dns_server_misbehaving")]
    assert base64.b64decode(resolve.detail["raw"])[2:] == b"\xff" * 40
    assert (extra.op, _addresses(extra.detail)) == ("extra_answer", ["192.0.2.1"])


async def test_a_flood_of_answers_is_bounded(loopback: Loopback, probe: Probe) -> None:
    port = loopback.resolver(*[with_wrong_id(SECOND)] * 30, *[FIRST] * 30)
    measurement = await probe(UDP.format(port=port))
    assert failures(measurement) == []
    assert [step.op for step in measurement.steps] == ["extra_answer"] * 8 + ["resolve"]


async def test_a_truncated_answer_is_asked_for_again_over_tcp(
    loopback: Loopback, probe: Probe
) -> None:
    port = loopback.resolver(truncated, over_tcp=framed(FIRST))
    measurement = await probe(UDP.format(port=port))
    udp, connect, tcp = measurement.steps
    assert (udp.op, udp.detail["engine"], udp.detail["truncated"]) == ("resolve", "udp", True)
    assert (connect.op, connect.failure) == ("connect", None)
    assert (tcp.op, tcp.detail["engine"], _addresses(tcp.detail)) == (
        "resolve",
        "tcp",
        ["192.0.2.1"],
    )
    assert udp.transaction != tcp.transaction == connect.transaction
    decided = deciding(measurement)
    assert decided is not None
    assert decided.succeeded


@pytest.mark.parametrize(
    "content_type", ["application/dns-message", "Application/DNS-Message; charset=utf-8"]
)
async def test_doh_and_dot_and_tcp_answers_are_read(
    loopback: Loopback, probe: Probe, content_type: str
) -> None:
    def respond(wire: bytes) -> bytes:
        return page(200, FIRST(wire), f"Content-Type: {content_type}")

    doh = loopback.listen_tls(posted(respond), name="dns.example")
    dot = loopback.listen_tls(framed(FIRST), name="dns.example")
    tcp = loopback.listen(framed(FIRST))
    here = "%23addresses=127.0.0.1"
    resolvers = (
        f"https://dns.example:{doh}/dns-query{here},tls://dns.example:{dot}{here},"
        f"tcp://127.0.0.1:{tcp}"
    )
    measurement = await probe(f"dns://site.example?resolver={resolvers}")
    resolved = [step for step in measurement.steps if step.op == "resolve"]
    assert failures(measurement) == []
    assert {step.detail["engine"] for step in resolved} == {"doh", "dot", "tcp"}
    assert all(_addresses(step.detail) == ["192.0.2.1"] for step in resolved)


async def test_each_resolver_answers_for_itself(loopback: Loopback, probe: Probe) -> None:
    both: tuple[Reply, ...] = (FIRST, gives("AAAA 2001:db8::1"))
    ports = [loopback.resolver(reply) for reply in both]
    resolvers = ",".join(f"udp://127.0.0.1:{port}" for port in ports)
    measurement = await probe(f"dns://site.example?resolver={resolvers}")
    assert failures(measurement) == [("resolve", "dns_no_answer")]
    assert len({step.transaction for step in measurement.steps}) == 2
