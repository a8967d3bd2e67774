"""probe.checks.trace: which routers are found, which of them are told, and how far on a name is
reset."""

import errno
from typing import Any

import pytest
from support.kits import Done, run_check
from support.tracing import FakeTracer

from probe.checks.trace import BUDGET, MAX_SILENT, MAX_TTL, PROBES, TraceCheck
from probe.net import Hop
from probe.net.fake import FakeNetwork, os_error

END = "203.0.113.9"
HOME, PROVIDER, FIRST, SECOND = "192.168.1.1", "10.9.8.7", "192.0.2.1", "198.51.100.1"
OPEN = Hop(END, answer="syn_ack", reached=True)
HIDDEN = "[scrubbed]"


def traced(tracer: FakeTracer, packet: Any = "syn", budget: float = 100.0, **more: Any) -> Done:
    check = TraceCheck(tracer=tracer, packet=packet, host=END, port=443, **more)
    return run_check(check, FakeNetwork(), budget=budget)


def seen(done: Done) -> dict[int, str | None]:
    """Who answered at each TTL."""
    return {step.detail["ttl"]: step.detail["hop"] for step in done.steps}


@pytest.mark.parametrize("packet", ["udp", "syn"])
def test_every_router_up_to_the_end_is_a_step_of_its_own(packet: str) -> None:
    tracer = FakeTracer(way=[HOME, PROVIDER, FIRST, SECOND], end=OPEN)
    done = traced(tracer, packet)
    assert seen(done) == {
        1: HIDDEN,
        2: HIDDEN,
        3: HIDDEN,
        4: SECOND,
        5: END,
        6: END,
        7: END,
        8: END,
    }
    steps = {step.detail["ttl"]: step for step in done.steps}
    assert steps[4].detail == {
        "ttl": 4, "hop": SECOND, "icmp": "time_exceeded", "answer": None, "reached": False,
    }  # fmt: skip
    assert steps[5].detail == {
        "ttl": 5, "hop": END, "icmp": None, "answer": "syn_ack", "reached": True,
    }  # fmt: skip
    assert {step.failure for step in done.steps} == {None}
    assert {step.address for step in done.steps} == {f"{END}:443"}
    assert len({step.transaction for step in done.steps}) == len(done.steps)
    assert {sent[0] for sent in tracer.sent} == {packet}


@pytest.mark.parametrize(
    ("way", "shown"),
    [
        # The nearest two, whoever they are, and up to the first that has a public address.
        ([FIRST, SECOND, "192.0.2.3"], [HIDDEN, HIDDEN, "192.0.2.3"]),
        ([HOME, PROVIDER, "100.64.0.1", FIRST, SECOND], [HIDDEN] * 4 + [SECOND]),
        ([None, None, FIRST, SECOND], [None, None, HIDDEN, SECOND]),
        # A provider's own network stays hidden wherever it shows, and so does a router seen twice.
        ([HOME, FIRST, SECOND, "10.1.1.1"], [HIDDEN, HIDDEN, SECOND, HIDDEN]),
        ([HOME, FIRST, FIRST, SECOND], [HIDDEN, HIDDEN, HIDDEN, SECOND]),
        ([HOME, PROVIDER, "fd00::1"], [HIDDEN] * 3),
    ],
)
def test_routers_that_tell_where_the_vantage_is_are_hidden(
    way: list[str | None], shown: list[str | None]
) -> None:
    done = traced(FakeTracer(way=way, end=OPEN))
    assert [seen(done)[ttl] for ttl in range(1, len(way) + 1)] == shown
    assert seen(done)[len(way) + 1] == END


def test_the_end_is_shown_however_near_it_is() -> None:
    done = traced(FakeTracer(end=OPEN))
    assert seen(done) == dict.fromkeys(range(1, 5), END)


def test_a_trace_that_is_cut_off_hides_the_same() -> None:
    done = traced(FakeTracer(way=[HOME, FIRST, SECOND, *["192.0.2.9"] * 16]), budget=0.12)
    assert set(seen(done).values()) <= {HIDDEN, None, SECOND}
    assert any(step.failure == "generic_timeout_error" for step in done.steps)


def test_a_lost_packet_is_repeated_and_silence_is_no_failure() -> None:
    tracer = FakeTracer(way=[HOME, FIRST, None, SECOND], end=OPEN, lost={(4, 1)})
    done = traced(tracer)
    by_ttl = [(s.detail["ttl"], s.detail["hop"], s.failure) for s in done.steps]
    assert by_ttl.count((3, None, None)) == PROBES
    assert by_ttl.count((4, None, None)) == 1
    assert by_ttl.count((4, SECOND, None)) == 1
    pairs = [s.transaction for s in done.steps if s.detail["ttl"] == 4]
    assert pairs[0] == pairs[1]


def test_after_enough_silence_nothing_more_is_sent() -> None:
    tracer = FakeTracer(way=[HOME, FIRST, SECOND])
    done = traced(tracer)
    last = max(seen(done))
    assert MAX_SILENT <= last - 3 < MAX_SILENT + 4
    assert len(tracer.sent) == 3 + (last - 3) * PROBES


@pytest.mark.parametrize("packet", ["udp", "syn"])
def test_an_endless_way_ends_within_its_packets_and_its_time(packet: Any) -> None:
    tracer = FakeTracer(way=[f"192.0.2.{n}" if n % 4 else None for n in range(1, 100)])
    done = traced(tracer, packet, budget=BUDGET[packet])
    assert max(seen(done)) == MAX_TTL
    assert len(tracer.sent) <= MAX_TTL * PROBES
    assert {step.failure for step in done.steps} == {None}
    assert max(step.t for step in done.steps) < BUDGET[packet]


@pytest.mark.parametrize(
    "end",
    [
        Hop(END, icmp="port_unreachable", reached=True),
        Hop("198.51.100.9", icmp="prohibited"),
        Hop(END, answer="rst", reached=True),
    ],
)
def test_whatever_ends_the_way_ends_the_trace(end: Hop) -> None:
    done = traced(FakeTracer(way=[HOME, FIRST, SECOND], end=end))
    assert max(seen(done)) == 4
    assert seen(done)[4] == end.address


def test_a_kernel_that_keeps_addresses_back_is_asked_on() -> None:
    done = traced(FakeTracer(end=Hop(None, icmp="unknown")))
    assert seen(done) == dict.fromkeys(range(1, MAX_TTL + 1))


def test_an_error_of_dialling_is_a_failure_and_ends_it() -> None:
    tracer = FakeTracer(end=os_error(errno.ENETUNREACH))
    done = traced(tracer)
    assert {step.failure for step in done.steps} == {"network_unreachable"}
    assert len(tracer.sent) <= 4


# --- ClientHellos --------------------------------------------------------------------------------


def hello(tracer: FakeTracer, **more: Any) -> Done:
    return traced(tracer, "hello", server_name="blocked.example", alpn=("http/1.1",), **more)


def test_the_lowest_ttl_that_draws_the_reset_is_found_and_nothing_goes_further() -> None:
    way = [HOME, FIRST, SECOND, "192.0.2.9", "192.0.2.10"]
    tracer = FakeTracer(way=way, resets_at=4, reset_name=b"blocked.example", answer=b"x")
    done = hello(tracer)
    assert done.ops() == [
        *(("connect", n, None) if i == 0 else ("trace_hop", n, None)
          for n in (1, 2, 3) for i in (0, 1)),
        ("connect", 4, None),
        ("trace_hop", 4, "connection_reset"),
    ]  # fmt: skip
    assert done.steps[-1].detail == {
        "server_name": "blocked.example",
        "ttl": 4, "hop": None, "icmp": None, "answer": "rst", "reached": False,
    }  # fmt: skip
    assert [ttl for ttl, _ in tracer.hellos] == [1, 2, 3, 4]
    assert all(stream.closed for stream in tracer.streams)


def test_it_is_a_whole_client_hello_each_time_another_one() -> None:
    tracer = FakeTracer(resets_at=3)
    hello(tracer)
    for _, sent in tracer.hellos:
        assert sent[:1] == b"\x16"  # a handshake record
        assert sent[5:6] == b"\x01"  # a ClientHello
        assert int.from_bytes(sent[3:5], "big") == len(sent) - 5
        assert b"blocked.example" in sent
        assert b"\x08http/1.1" in sent
    assert len({sent for _, sent in tracer.hellos}) == 3


@pytest.mark.parametrize(("answer", "named"), [(b"\x16\x03\x03", "data"), (b"", "fin")])
def test_a_name_that_passes_ends_at_the_server(answer: bytes, named: str) -> None:
    tracer = FakeTracer(way=[HOME, FIRST], answer=answer)
    done = hello(tracer)
    assert [ttl for ttl, _ in tracer.hellos] == [1, 2, 3]
    assert done.steps[-1].failure is None
    last = done.steps[-1].detail
    assert (last["answer"], last["reached"], last["hop"]) == (named, True, END)


def test_silence_all_the_way_ends_within_its_time() -> None:
    tracer = FakeTracer(way=[FIRST] * 30)
    done = hello(tracer, budget=BUDGET["hello"])
    assert [ttl for ttl, _ in tracer.hellos] == list(range(1, MAX_TTL + 1))
    assert {step.failure for step in done.steps} == {None}


def test_without_a_connection_no_name_is_sent() -> None:
    tracer = FakeTracer(dial=os_error(errno.ETIMEDOUT))
    done = hello(tracer)
    assert done.ops() == [("connect", 1, "timed_out")]
    assert tracer.hellos == []


# --- what is said beforehand ---------------------------------------------------------------------


def test_the_plan_tells_how_many_packets_and_what_can_be_read() -> None:
    def sends(packet: Any) -> Any:
        check = TraceCheck(
            tracer=FakeTracer(), packet=packet, host=END, port=443, server_name="a.example"
        )
        (sending,) = check.sends()
        return sending

    most = str(MAX_TTL * PROBES)
    assert (sends("udp").transport, sends("syn").transport) == ("udp", "tcp")
    assert most in sends("udp").what
    assert most in sends("syn").what
    assert "a.example in clear" in sends("hello").what
