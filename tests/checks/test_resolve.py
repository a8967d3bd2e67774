"""probe.checks.resolve: which addresses are measured, and what each resolver said."""

import pytest
from support.kits import Done, new_kit
from support.nameservers import knowing
from support.servers import silent
from support.virtual import run_virtual

from probe.checks.resolve import endpoints
from probe.core.address import Endpoint
from probe.core.trace import Stopped
from probe.net.fake import FakeNetwork

GOOD, OTHER, BAD = "udp://192.0.2.53", "udp://192.0.2.54", "udp://192.0.2.55"
NET = {
    "names": {"a.example": ("192.0.2.1",), "dns.example": ("192.0.2.99",)},
    "udp": {
        Endpoint("192.0.2.53", 53): knowing("192.0.2.1", "2001:db8::1"),
        Endpoint("192.0.2.54", 53): knowing("192.0.2.2", "192.0.2.1"),
        Endpoint("192.0.2.55", 53): silent,
    },
}


def found(*resolvers: str, host: str = "a.example", **more) -> tuple[tuple[Endpoint, ...], Done]:
    limits = {key: more.pop(key) for key in ("max_addresses",) if key in more}

    async def main() -> tuple[tuple[Endpoint, ...], Done]:
        kit = new_kit(FakeNetwork(**NET), *resolvers, **limits)
        try:
            given = await endpoints(kit, host, 443, **more)
        except Stopped as stopped:
            return (stopped.failure,), Done(kit)
        return given, Done(kit)

    return run_virtual(main())


def test_the_union_of_all_answers_counts_each_address_once_families_in_turns() -> None:
    given, done = found("system", GOOD, OTHER)
    assert [endpoint.ip for endpoint in given] == ["192.0.2.1", "2001:db8::1", "192.0.2.2"]
    assert len(done.steps) == 5  # system once, the others for A and AAAA
    assert len({step.transaction for step in done.steps}) == 5


def test_one_resolver_that_answers_is_enough() -> None:
    given, done = found(BAD, GOOD)
    assert [endpoint.ip for endpoint in given] == ["192.0.2.1", "2001:db8::1"]
    failures = [step.failure for step in done.steps if step.detail["resolver"] == BAD]
    assert failures == ["generic_timeout_error"] * 2
    assert done.steps[-1].t == 5.0  # asked at once, not one after the other


def test_when_none_answers_the_first_resolvers_failure_stops_the_check() -> None:
    given, _ = found("system", BAD, host="b.example")
    assert given == ("dns_nxdomain_error",)


@pytest.mark.parametrize(
    ("more", "ips", "asked"),
    [
        ({"pinned": ("203.0.113.1",)}, ["203.0.113.1"], 0),
        ({"pinned": ("203.0.113.1",), "lookup": True}, ["203.0.113.1", "192.0.2.1"], 1),
        ({"host": "192.0.2.7"}, ["192.0.2.7"], 0),
        ({"host": "2001:db8::7", "lookup": True}, ["2001:db8::7"], 0),
        ({"pinned": ("203.0.113.1",), "lookup": True, "host": "b.example"}, ["203.0.113.1"], 1),
    ],
)
def test_pinned_addresses_and_literals_need_no_lookup(
    more: dict, ips: list[str], asked: int
) -> None:
    given, done = found(**more)
    assert [endpoint.ip for endpoint in given] == ips
    assert len(done.steps) == asked


def test_the_limit_cuts_neither_family_off() -> None:
    pinned = ("192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2")
    given, _ = found(pinned=pinned, max_addresses=3)
    assert [endpoint.ip for endpoint in given] == ["192.0.2.1", "2001:db8::1", "192.0.2.2"]


def test_what_is_measured_is_not_scrubbed_from_what_its_server_says() -> None:
    _, done = found(GOOD)
    scrub = done.kit.trace.scrubber.text
    assert scrub("at 192.0.2.1, not 203.0.113.9") == "at 192.0.2.1, not [scrubbed]"


def test_a_resolvers_own_name_is_looked_up_in_a_step_of_its_own() -> None:
    given, done = found("tls://dns.example")
    assert given == ("connection_refused",)
    for transaction in (1, 2):  # for A and for AAAA
        bootstrap, connect = [s for s in done.steps if s.transaction == transaction]
        assert (bootstrap.op, bootstrap.detail["answers"]) == ("bootstrap", ["192.0.2.99"])
        assert (connect.op, connect.address) == ("connect", "192.0.2.99:853")


def test_a_pinned_resolver_needs_no_bootstrap() -> None:
    _, done = found("tls://nowhere.example#addresses=192.0.2.98")
    assert {step.op for step in done.steps} == {"connect"}
