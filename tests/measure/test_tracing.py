"""probe.measure.tracing: which failures are traced, in which order, and how it is recorded."""

from dataclasses import dataclass, field
from typing import Any

from support.plans import planned, tools
from support.records import measured, step, verdict
from support.tracing import FakeTracer
from support.virtual import run_virtual

from probe.core.model import Measurement, Step
from probe.judge.evidence import Evidence
from probe.judge.verdict import judge
from probe.measure.once import Round
from probe.measure.tracing import MOST, planned_traces, trace_failures
from probe.net import Hop
from probe.net.fake import FakeNetwork
from probe.plan.jobs import Plan

REACHED = Hop("192.0.2.1", answer="syn_ack", reached=True)


@dataclass
class Traced:
    """What was sent and recorded for one round."""

    tracer: FakeTracer
    found: list[Measurement] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def kinds(self) -> list[tuple[str | None, str]]:
        return [(m.followup, m.target.url) for m in self.found]


def refused(ip: str, port: int = 443) -> Step:
    address = f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
    return step("connect", 1, "connection_refused", address=address)


def reset(ip: str, name: str = "blocked.example") -> list[Step]:
    address = f"{ip}:443"
    return [
        step("connect", 1, address=address),
        step("tls_handshake", 1, "connection_reset", address=address, server_name=name),
    ]


def trace(
    plan: Plan,
    trials: dict[str, list[Step]],
    outcomes: dict[str, Any],
    tracer: FakeTracer | None = None,
    **how: Any,
) -> Traced:
    """Trace what these trials of the plan's targets, judged so, ask for."""
    jobs = {job.target.id: job for job in plan.jobs}
    result = Round(
        verdicts=[verdict(name, outcome) for name, outcome in outcomes.items()],
        measurements=[
            measured(jobs[name].check.name, steps, target=jobs[name].target, cycle=f"of-{name}")
            for name, steps in trials.items()
        ],
    )
    done = Traced(tracer or FakeTracer(end=REACHED, answer=b"x"))
    notes = trace_failures(
        plan, result, done.tracer, tools(FakeNetwork()), done.found.append, **how
    )
    done.notes = run_virtual(notes)
    return done


def tls(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "url": f"tls://{name}.example:443", **more}


def test_a_failed_target_is_traced_by_udp_and_by_syn_where_it_failed() -> None:
    plan = planned(targets=[tls("a")])
    done = trace(plan, {"a": reset("192.0.2.1")}, {"a": "unreachable"})
    assert done.kinds() == [
        ("trace-udp", "udp://192.0.2.1:443"),
        ("trace-syn", "tcp://192.0.2.1:443"),
    ]
    for measurement in done.found:
        assert measurement.role == "followup"
        assert measurement.check == "trace"
        assert measurement.cycle == "of-a"
        assert (measurement.target.id, measurement.invalid) == ("a", None)
    assert len({m.followup_of for m in done.found}) == 1
    assert done.notes == ()
    assert {packet for packet, _, _ in done.tracer.sent} == {"udp", "syn"}


def test_only_failures_on_the_way_are_traced() -> None:
    outcomes = {
        "a": "ok", "b": "offline", "c": "invalid", "d": "denied",
        "e": "blocked", "f": "degraded", "g": "down", "h": "inconclusive",
    }  # fmt: skip
    plan = planned(targets=[tls(name) for name in outcomes])
    trials = {name: reset(f"192.0.2.{n}") for n, name in enumerate(outcomes, 1)}
    done = trace(plan, trials, outcomes)
    assert {m.target.id for m in done.found} == {"e", "f", "g", "h"}


def test_the_place_is_where_the_deciding_transaction_failed() -> None:
    steps = [
        step("connect", 2, "generic_timeout_error", address="[2001:db8::1]:443"),
        step("connect", 3, "connection_refused", address="192.0.2.1:443"),
    ]
    done = trace(planned(targets=[tls("a")]), {"a": steps}, {"a": "unreachable"})
    assert {m.target.url for m in done.found} == {
        "udp://[2001:db8::1]:443",
        "tcp://[2001:db8::1]:443",
    }


def test_what_has_no_known_address_is_not_traced() -> None:
    lookup = [step("resolve", 1, "dns_nxdomain_error", resolver="udp://192.0.2.53",
                   address="192.0.2.53:53")]  # fmt: skip
    plan = planned("dns://a.example", targets=[tls("b"), tls("c")])
    names = [job.target.id for job in plan.jobs]
    done = trace(plan, dict.fromkeys(names[:2], lookup), dict.fromkeys(names, "unreachable"))
    assert (done.found, done.notes, done.tracer.sent) == ([], (), [])


def test_private_targets_are_not_traced() -> None:
    plan = planned(targets=[tls("a", private=True)])
    done = trace(plan, {"a": reset("192.0.2.1")}, {"a": "unreachable"}, hello=True)
    assert done.tracer.sent == []


def test_at_most_so_many_places_are_traced_and_each_once() -> None:
    names = [f"t{n}" for n in range(MOST + 2)]
    plan = planned(targets=[tls(name) for name in [*names, "twin"]])
    trials = {name: [refused(f"192.0.2.{n}")] for n, name in enumerate(names, 1)}
    trials["twin"] = trials["t0"]
    done = trace(plan, trials, dict.fromkeys(trials, "unreachable"))
    assert {m.target.id for m in done.found} == set(names[:MOST])
    assert len(done.found) == 2 * MOST
    assert done.notes == (f"traced to {MOST} of the {MOST + 2} addresses that failed",)


def test_a_hello_is_sent_only_when_asked_for_and_after_everything_else() -> None:
    plan = planned(targets=[tls("a"), tls("b")])
    trials = {"a": reset("192.0.2.1", "a.example"), "b": reset("192.0.2.2", "b.example")}
    way: list[str | None] = ["198.51.100.1"]
    tracer = FakeTracer(way=way, end=REACHED, resets_at=2)
    done = trace(plan, trials, dict.fromkeys(trials, "blocked"), tracer, hello=True)
    assert [kind for kind, _ in done.kinds()][-2:] == ["trace-hello"] * 2
    assert {url for kind, url in done.kinds() if kind == "trace-hello"} == {
        "tls://192.0.2.1:443?sni=a.example",
        "tls://192.0.2.2:443?sni=b.example",
    }
    packets = [packet for packet, _, _ in tracer.sent]
    assert "connect" not in packets[: packets.index("connect")]
    assert set(packets[packets.index("connect") :]) == {"connect"}
    last = done.found[-1].steps[-1]
    assert (last.detail["ttl"], last.failure) == (2, "connection_reset")


def test_no_hello_where_no_name_was_sent() -> None:
    plan = planned("tcp://192.0.2.3:443", targets=[tls("a"), tls("b")])
    tcp = plan.jobs[-1].target.id if plan.jobs[-1].check.name == "tcp" else plan.jobs[0].target.id
    trials = {
        tcp: [refused("192.0.2.3")],
        "a": [refused("192.0.2.1")],  # it never came to a handshake
        "b": reset("192.0.2.2", "192.0.2.2"),  # an address is not sent as a name
    }
    done = trace(plan, trials, dict.fromkeys(trials, "unreachable"), hello=True)
    assert {m.followup for m in done.found} == {"trace-udp", "trace-syn"}
    assert len(done.found) == 6


def test_where_the_system_cannot_trace_one_note_says_so_and_nothing_is_sent() -> None:
    plan = planned(targets=[tls("a"), tls("b"), tls("c")])
    trials = {"a": [refused("192.0.2.1")], "b": [refused("192.0.2.2")], "c": [refused("::1")]}
    tracer = FakeTracer(end=REACHED, without="4")
    done = trace(plan, trials, dict.fromkeys(trials, "unreachable"), tracer)
    assert done.notes == ("no trace: this kernel cannot",)
    assert {m.target.id for m in done.found} == {"c"}


def test_a_trace_is_no_evidence() -> None:
    plan = planned(targets=[tls("a")])
    tracer = FakeTracer(end=REACHED, resets_at=1)
    steps = reset("192.0.2.1")
    done = trace(plan, {"a": steps}, {"a": "unreachable"}, tracer, hello=True)
    assert len(done.found) == 3
    trial = measured("tls", steps, target=plan.jobs[0].target, cycle="of-a")
    alone = judge(Evidence.of([trial], target="a"), trial.started)
    with_traces = judge(Evidence.of([trial, *done.found], target="a"), trial.started)
    assert (alone.outcome, alone.mechanism, alone.rule) == (
        with_traces.outcome,
        with_traces.mechanism,
        with_traces.rule,
    )


def test_the_plan_lists_what_a_trace_may_send() -> None:
    plan = planned(
        "dns://a.example",
        targets=[
            tls("a", addresses=["192.0.2.1", "192.0.2.2"]),
            tls("b", private=True),
            {"id": "c", "url": "tcp://c.example:7"},
        ],
    )
    tracer = FakeTracer()
    found = [(p.host, p.port, p.what.split()[3]) for p in planned_traces(plan, tracer)]
    packets = ["datagrams", "SYNs"]
    places = [("192.0.2.1", 443), ("192.0.2.2", 443), ("c.example", 7)]
    assert found == [(*place, packet) for place in places for packet in packets]
    named = [p for p in planned_traces(plan, tracer, hello=True) if "a.example in clear" in p.what]
    assert [p.host for p in named] == ["192.0.2.1", "192.0.2.2"]
    assert tracer.sent == []
