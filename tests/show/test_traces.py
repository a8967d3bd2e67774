"""probe.show.traces: a trace as a person reads it."""

import io
from dataclasses import replace
from typing import Any

from support.records import measured, step

from probe.core.model import Measurement, Step
from probe.show.traces import show_traces

END = "192.0.2.9"


def hop(
    ttl: int,
    address: str | None = None,
    icmp: str | None = None,
    answer: str | None = None,
    failure: str | None = None,
) -> Step:
    detail = {"ttl": ttl, "hop": address, "icmp": icmp, "answer": answer, "reached": False}
    return step("trace_hop", ttl, failure, **detail)


def traced(steps: list[Step], kind: str = "trace-syn", **more: Any) -> Measurement:
    url = {"trace-udp": "udp", "trace-syn": "tcp", "trace-hello": "tls"}[kind]
    made = measured("trace", steps, url=f"{url}://{END}:443", role="followup", **more)
    return replace(made, followup=kind)


def shown(*measurements: Measurement) -> list[str]:
    out = io.StringIO()
    show_traces(measurements, out)
    return out.getvalue().splitlines()


def test_a_way_is_one_line_for_each_router() -> None:
    steps = [
        hop(3),
        hop(1, "[scrubbed]", "time_exceeded"),
        hop(2),
        hop(2),
        hop(3, "198.51.100.1", "time_exceeded"),
        hop(5, END, answer="syn_ack"),
        hop(4, END, answer="syn_ack"),
        hop(6),
    ]
    assert [line.split() for line in shown(traced(steps))] == [
        [],
        ["trace", "by", "TCP", "SYN", "to", f"{END}:443"],
        ["1", "hidden", "time_exceeded", "100.0", "ms"],
        ["2", "*"],
        ["3", "198.51.100.1", "time_exceeded", "100.0", "ms"],
        ["4", END, "syn_ack", "100.0", "ms"],
    ]


def test_silence_takes_one_line_however_long_it_is() -> None:
    lines = shown(traced([hop(1, "[scrubbed]", "time_exceeded"), *map(hop, range(2, 9))]))
    assert [line.split() for line in lines[-1:]] == [["2-8", "*"]]


def test_a_reset_hello_shows_the_lowest_ttl() -> None:
    steps = [hop(1), hop(2), hop(3, answer="rst", failure="connection_reset")]
    lines = shown(traced(steps, "trace-hello"))
    assert lines[1].startswith("trace by ClientHello to")
    assert [line.split()[:3] for line in lines[2:]] == [["1-2", "*"], ["3", "*", "rst"]]


def test_failures_and_our_own_errors_are_said() -> None:
    dialled = step("connect", 1, "timed_out", address=f"{END}:443")
    assert shown(traced([dialled], "trace-hello"))[-1].endswith("no connection: timed_out")
    assert "network_unreachable" in shown(traced([hop(1, failure="network_unreachable")]))[-1]
    assert "our own error: ValueError" in shown(traced([], invalid="ValueError: x"))[-1]


def test_nothing_is_wider_than_a_terminal_or_acts_on_it() -> None:
    longest = "2001:db8:1111:2222:3333:4444:5555:6666"
    measurement = traced([hop(20, longest, "protocol_unreachable")])
    url = f"tls://[{longest}]:65535?sni={'a' * 80}\x1b[31m"
    wide = replace(measurement, target=replace(measurement.target, url=url))
    lines = shown(wide)
    assert max(map(len, lines)) < 80
    assert longest in lines[-1]
    assert "\x1b" not in "".join(lines)


def test_other_measurements_are_no_traces() -> None:
    assert shown(measured(), replace(traced([hop(1)]), followup="name-at-decoy")) == []
