"""probe.run.metrics: what happened, as Prometheus reads it."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from prometheus_client import ProcessCollector, generate_latest
from support.records import https, measured, step, verdict
from support.seen import labels, pigeon, samples, sources
from support.virtual import DAY

from probe.core.model import Event, Members, Target
from probe.judge.vantage import VantageState
from probe.run.metrics.collector import PART, ProbeCollector, Process
from probe.run.metrics.seen import MOST_FAILURES, OTHER
from probe.run.metrics.table import LAG, OF_FEATURES, OF_TARGETS, OF_THE_SERVICE, Room

A = {"target": "a", "service": "pigeon", "feature": "text"}
FEATURE = {"service": "pigeon", "feature": "text"}
TARGET = Target(id="a", service="pigeon", feature="text", url="tcp://192.0.2.1:1")


def told(source):
    return samples(generate_latest(ProbeCollector(source)).decode())


def of_a(outcome="ok", **more):
    return verdict("a", outcome, **{**FEATURE, **more})


def event(name, **detail):
    return Event(at=DAY, event=name, vantage="sh-1", detail=detail)


@pytest.mark.parametrize("outcome", ["blocked", "degraded", "denied", "down", "unreachable"])
def test_a_failure_is_no_success(outcome):
    source = sources()
    source.seen.verdict(of_a(outcome, mechanism="tls.reset.sni"))
    found = told(source)
    assert found["probe_success"] == {labels(**A): 0}
    assert found["probe_outcome"] == {labels(**A, outcome=outcome, mechanism="tls.reset.sni"): 1}
    assert "probe_last_success_timestamp_seconds" not in found


def test_a_success_is_one_and_dated():
    source = sources()
    source.seen.verdict(of_a("ok"))
    found = told(source)
    assert found["probe_success"] == {labels(**A): 1}
    assert found["probe_last_success_timestamp_seconds"] == {labels(**A): DAY.timestamp()}


@pytest.mark.parametrize("outcome", ["offline", "inconclusive", "invalid"])
def test_what_concludes_nothing_counts_neither_for_nor_against(outcome):
    source = sources()
    source.seen.verdict(of_a("ok"))
    source.seen.verdict(of_a(outcome))
    found = told(source)
    assert "probe_success" not in found
    assert found["probe_outcome"] == {labels(**A, outcome=outcome, mechanism=""): 1}
    assert found["probe_last_success_timestamp_seconds"] == {labels(**A): DAY.timestamp()}
    assert found["probe_verdicts_total"] == {
        labels(**A, outcome="ok"): 1,
        labels(**A, outcome=outcome): 1,
    }


def test_a_feature_is_told_with_its_members():
    source = sources()
    members = Members(ok=1, failed=2)
    source.seen.verdict(replace(of_a("down"), target=None, members=members))
    found = told(source)
    assert found["probe_feature_success"] == {labels(**FEATURE): 0}
    assert found["probe_feature_outcome"] == {labels(**FEATURE, outcome="down", mechanism=""): 1}
    assert found["probe_feature_members"] == {
        labels(**FEATURE, state="ok"): 1,
        labels(**FEATURE, state="failed"): 2,
    }
    assert found["probe_feature_verdicts_total"] == {labels(**FEATURE, outcome="down"): 1}


def test_the_stages_of_a_request_have_the_names_that_exporters_give_them():
    source = sources()
    steps = [replace(each, t0=n * 1.0, t=n + 0.25) for n, each in enumerate(https())]
    steps[-2] = replace(steps[-2], detail={"status": 204})
    source.seen.measurement(measured("https", steps, target=TARGET))
    found = told(source)
    assert found["probe_duration_seconds"] == {labels(**A): 5.25}
    for name in ("dns_lookup", "tcp_connect", "tls_handshake"):
        assert found[f"probe_{name}_time_seconds"] == {labels(**A): 0.25}
    assert found["probe_http_status_code"] == {labels(**A): 204}
    assert found["probe_http_duration_seconds"] == {
        labels(**A, phase=phase): 0.25
        for phase in ("resolve", "connect", "tls", "processing", "transfer")
    }


def test_a_stage_that_failed_has_no_time():
    source = sources()
    steps = https("tls_handshake", "connection_reset")
    source.seen.measurement(measured("https", steps, target=TARGET))
    found = told(source)
    assert "probe_tls_handshake_time_seconds" not in found
    assert set(found["probe_http_duration_seconds"]) == {
        labels(**A, phase="resolve"),
        labels(**A, phase="connect"),
    }
    assert found["probe_failures_total"] == {labels(**A, failure="connection_reset"): 1}


def test_what_a_server_said_is_no_label():
    source = sources()
    said = "unknown_failure: SEVENTEEN 198.51.100.7"
    for failure in (said, said, 'quote" \n'):
        steps = [step("connect", failure=failure)]
        source.seen.measurement(measured("tcp", steps, target=TARGET))
    page = generate_latest(ProbeCollector(source)).decode()
    assert samples(page)["probe_failures_total"] == {labels(**A, failure=OTHER): 3}
    assert "SEVENTEEN" not in page


def test_there_are_only_so_many_failures_of_one_target():
    source = sources()
    for number in range(500):
        steps = [step("connect", failure=f"failure_{number}")]
        source.seen.measurement(measured("tcp", steps, target=TARGET))
    failures = told(source)["probe_failures_total"]
    assert len(failures) == MOST_FAILURES + 1
    assert failures[labels(**A, failure=OTHER)] == 500 - MOST_FAILURES


def test_anchors_controls_and_followups_are_counted_and_do_not_speak_for_a_target():
    source = sources()
    failed = [step("connect", failure="connection_reset")]
    own = measured("tcp", failed, target=TARGET)
    for more in ({"role": "anchor"}, {"role": "followup"}, {"origin": "helsinki"}):
        source.seen.measurement(replace(own, **more))
    source.seen.measurement(replace(own, invalid="a bug"))
    found = told(source)
    assert found["probe_measurements_total"] == {
        labels(role="anchor", origin="vantage"): 1,
        labels(role="followup", origin="vantage"): 1,
        labels(role="target", origin="control"): 1,
        labels(role="target", origin="vantage"): 1,
    }
    assert "probe_failures_total" not in found
    assert "probe_duration_seconds" not in found


def test_cycles_are_counted_while_they_wait_and_while_they_run():
    source = sources()
    seen = source.seen
    for target in ("a", "b", "b"):
        seen.due(target)
    seen.started("a", 0.3)
    found = told(source)
    assert found["probe_cycles_waiting"] == {frozenset(): 2}
    assert found["probe_cycles_under_way"] == {frozenset(): 1}
    assert found["probe_cycle_lag_seconds"] == {labels(**A): 0.3}
    assert found[f"{LAG}_bucket"][labels(le="0.25")] == 0
    assert found[f"{LAG}_bucket"][labels(le="0.5")] == 1
    assert found[f"{LAG}_count"] == {frozenset(): 1}
    for target in ("a", "b", "b"):  # the last two never began
        seen.ended(target)
    found = told(source)
    assert found["probe_cycles_waiting"] == found["probe_cycles_under_way"] == {frozenset(): 0}
    assert labels(**A) in found["probe_last_cycle_timestamp_seconds"]
    assert not seen.waiting
    assert not seen.under_way


def test_a_cycle_later_than_every_bound_is_in_the_last_bucket():
    source = sources()
    source.seen.started("a", 1e6)
    buckets = told(source)[f"{LAG}_bucket"]
    assert buckets[labels(le="300.0")] == 0
    assert buckets[labels(le="+Inf")] == 1


def test_events_are_counted_and_the_state_of_the_vantage_is_known():
    source = sources()
    source.seen.event(event("missed", target="a", slots=60))
    source.seen.event(event("skipped", target="a", reason="busy"))
    source.seen.event(event("health", state="captive"))
    found = told(source)
    assert found["probe_slots_missed_total"][labels(**A)] == 60
    assert found["probe_slots_skipped_total"][labels(**A)] == 1
    assert found["probe_events_total"][labels(event="health")] == 1
    states = {dict(key)["state"]: value for key, value in found["probe_vantage_state"].items()}
    assert states == {state.value: float(state is VantageState.CAPTIVE) for state in VantageState}


def test_the_room_for_results_is_told_where_it_is_known():
    room = Room(free=None, size=None, waiting=3, dropped=4)
    found = told(sources(room=lambda: room, notifications=lambda: {"sent": 2, "failed": 0}))
    assert "probe_results_free_bytes" not in found
    assert found["probe_journal_waiting_lines"] == {frozenset(): 3}
    assert found["probe_journal_dropped_lines_total"] == {frozenset(): 4}
    assert found["probe_notifications_total"][labels(result="sent")] == 2
    assert told(sources())["probe_results_free_bytes"] == {frozenset(): 7}


def test_what_a_reload_takes_out_disappears_and_the_rest_stays():
    source = sources()
    for target in ("a", "b"):
        source.seen.verdict(verdict(target, **FEATURE))
        source.seen.started(target, 0.1)
    source.seen.verdict(verdict(None, **FEATURE))
    moved = {"id": "b", "service": "dove", "feature": "text", "url": "tcp://192.0.2.1:2"}
    source.seen.planned(pigeon(targets=[moved]))
    source.seen.verdict(of_a())  # its cycle was under way
    source.seen.ended("a")
    page = generate_latest(ProbeCollector(source)).decode()
    assert '"a"' not in page
    assert "pigeon" not in page
    kept = labels(target="b", service="dove", feature="text", outcome="ok")
    assert samples(page)["probe_verdicts_total"] == {kept: 1}
    assert "probe_feature_success" not in samples(page)
    source.seen.planned(pigeon())
    assert told(source)["probe_verdicts_total"].keys() == {
        labels(target="b", service="pigeon", feature="text", outcome="ok")
    }


def test_a_reload_in_the_middle_of_a_scrape_breaks_nothing():
    many = [{"id": f"t{n}", "url": f"tcp://192.0.2.1:{n + 1}"} for n in range(PART + 1)]
    source = sources(pigeon(targets=many))
    for target in many:
        source.seen.verdict(verdict(target["id"]))
    parts = ProbeCollector(source).parts()
    assert len(next(parts).samples) == PART
    source.seen.planned(pigeon(targets=[{"id": "z", "url": "tcp://192.0.2.9:1"}]))
    labelled = [sample.labels for part in parts for sample in part.samples]
    rest = [found["target"] for found in labelled if "target" in found]
    assert rest[0] == f"t{PART}"
    assert set(rest[1:]) == {"z"}


def full():
    """Something in every family."""
    source = sources(notifications=lambda: {"sent": 1})
    steps = [*https()[:-2], step("http_response", 2, status=200), https()[-1]]
    source.seen.measurement(measured("https", steps, target=TARGET))
    failed = [step("connect", failure="connection_reset")]
    source.seen.measurement(measured("tcp", failed, target=TARGET))
    source.seen.measurement(measured("https", steps, target=TARGET))
    source.seen.verdict(of_a())
    source.seen.verdict(replace(of_a(), target=None, members=Members(ok=1, failed=1)))
    source.seen.due("a")
    source.seen.started("a", 0.0)
    source.seen.ended("a")
    source.seen.event(event("start"))
    return source


def test_every_metric_of_the_table_is_there():
    found = told(full())
    for row in (*OF_TARGETS, *OF_FEATURES, *OF_THE_SERVICE):
        name = f"{row.name}_total" if row.kind == "counter" else row.name
        assert name in found, name
    assert "process_resident_memory_bytes" in found


def test_the_process_is_told_where_proc_has_nothing_but_processes(tmp_path):
    (tmp_path / "self").symlink_to("/proc/self")
    hidden = {f.name: f for f in Process(proc=str(tmp_path), registry=None).collect()}
    plain = {f.name: f for f in ProcessCollector(registry=None).collect()}
    assert hidden.keys() == plain.keys()
    started = [found["process_start_time_seconds"].samples[0].value for found in (hidden, plain)]
    assert started[0] == pytest.approx(started[1], abs=5)


def test_promtool_finds_no_fault():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool: run 'make servers' as root")
    page = generate_latest(ProbeCollector(full()))
    done = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
