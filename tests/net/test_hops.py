"""probe.net.hops: TTL-limited packets from an ordinary user's sockets, on a real chain of routers.

The routers are network namespaces of this machine, and nothing leaves them.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.chain import CLOSED, OPEN, Chain, far, near, unavailable

from probe.core.address import Endpoint
from probe.net import Hop, TracingUnavailableError
from probe.net.hops import RealTracer

NAME = "blocked.example"
ROUTERS = 3
V4_AND_V6 = pytest.mark.parametrize("version", [4, 6])


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    if reason := unavailable():
        pytest.skip(reason)
    with Chain().built() as built:
        yield built


def server(version: int) -> str:
    return far(ROUTERS, version)


def routers(version: int) -> list[list[Any]]:
    """Each router's answer comes from its end that is nearer to the vantage."""
    return [[far(link, version), "time_exceeded", None, False] for link in range(ROUTERS)]


# --- on this machine alone -----------------------------------------------------------------------


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
async def test_the_end_of_the_way_answers_under_its_own_address(ip: str) -> None:
    tracer = RealTracer()
    closed = Endpoint(ip, CLOSED)
    assert await tracer.datagram(closed, 1, b"x") == Hop(ip, icmp="port_unreachable", reached=True)
    assert await tracer.syn(closed, 1) == Hop(ip, answer="rst", reached=True)


def test_other_systems_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(TracingUnavailableError, match="needs Linux, and this is darwin"):
        RealTracer(platform="darwin").require("192.0.2.1")
    RealTracer(platform="linux").require("192.0.2.1")


# --- on the way through routers ------------------------------------------------------------------


@pytest.mark.lab
@V4_AND_V6
@pytest.mark.parametrize(
    ("packet", "port", "icmp", "answer"),
    [
        ("udp", CLOSED, "port_unreachable", None),
        ("udp", OPEN, None, "datagram"),
        ("syn", CLOSED, None, "rst"),
        ("syn", OPEN, None, "syn_ack"),
    ],
)
def test_each_router_tells_its_address_without_root(
    chain: Chain, version: int, packet: str, port: int, icmp: str | None, answer: str | None
) -> None:
    found = chain.at_vantage("hops", ip=server(version), port=port, packet=packet)
    assert found == [*routers(version), [server(version), icmp, answer, True]]


@pytest.mark.lab
@V4_AND_V6
@pytest.mark.parametrize("packet", ["udp", "syn"])
def test_a_trace_hides_the_routers_next_to_the_vantage(
    chain: Chain, version: int, packet: str
) -> None:
    steps = chain.at_vantage("trace", ip=server(version), port=OPEN, packet=packet)
    found = {detail["ttl"]: detail["hop"] for _, _, detail in steps}
    assert found == {1: "[scrubbed]", 2: "[scrubbed]", 3: far(2, version), 4: server(version)}
    assert {failure for _, failure, _ in steps} == {None}


@pytest.mark.lab
@V4_AND_V6
def test_the_lowest_ttl_at_which_a_name_is_reset_is_found(chain: Chain, version: int) -> None:
    iptables = "iptables" if version == 4 else "ip6tables"
    match = ("-p", "tcp", "-m", "string", "--algo", "bm", "--string", NAME)
    rule = ("FORWARD", *match, "-j", "REJECT", "--reject-with", "tcp-reset")

    def hellos(name: str) -> list[tuple[int, str | None, bool]]:
        steps = chain.at_vantage(
            "trace", ip=server(version), port=OPEN, packet="hello", server_name=name
        )
        assert {failure for op, failure, _ in steps if op == "connect"} == {None}
        return [
            (d["ttl"], d["answer"], failure == "connection_reset")
            for op, failure, d in steps
            if op == "trace_hop"
        ]

    chain.run("r2", iptables, "-A", *rule)
    try:
        with ThreadPoolExecutor() as pool:
            named, other = pool.map(hellos, (NAME, "other.example"))
    finally:
        chain.run("r2", iptables, "-D", *rule)
    # Linux drops what expires at a router before it filters: r2 sees it from TTL 3 on.
    assert named == [(1, None, False), (2, None, False), (3, "rst", True)]
    # Another name reaches the server.
    assert other[2:] == [(3, None, False), (4, "data", False)]


@pytest.mark.lab
def test_an_address_without_a_neighbour_is_no_router(chain: Chain) -> None:
    """What our own kernel says about its own link must not look like a hop's answer."""
    nobody = near(0, 6).replace("::1", "::77")
    steps = chain.at_vantage("trace", ip=nobody, port=CLOSED, packet="udp")
    assert {detail["hop"] for _, _, detail in steps} == {None}
    assert {failure for _, failure, _ in steps} == {None, "host_unreachable"}
