"""probe check --trace and probe plan --trace, as a user meets them."""

import json
from typing import Any

import pytest
from support.command import Command, Run, one_line

from probe.net import TracingUnavailableError
from probe.net.hops import RealTracer


def test_a_failed_target_is_traced_below_the_table(probe: Command, here: Run, ports: Any) -> None:
    good, bad = f"tcp://127.0.0.1:{ports.tcp}", f"tcp://127.0.0.1:{ports.closed}"
    name = probe.configure(f"id: g, url: '{good}'", f"id: b, url: '{bad}'")
    # The option takes no value: what follows it is a target's.
    done = here("check", "--trace", name)
    assert done.code == 1
    assert f"trace by UDP to 127.0.0.1:{ports.closed}" in done.out
    assert f"trace by TCP SYN to 127.0.0.1:{ports.closed}" in done.out
    assert str(ports.tcp) not in done.out.partition("trace by")[2]
    lines = [line.split() for line in done.out.splitlines()]
    assert ["1", "127.0.0.1", "port_unreachable"] in [line[:3] for line in lines]
    assert ["1", "127.0.0.1", "rst"] in [line[:3] for line in lines]
    assert done.widest <= 80
    kinds = [(m["role"], m.get("followup")) for m in probe.stored()]
    assert kinds.count(("followup", "trace-udp")) == 1
    assert kinds.count(("followup", "trace-syn")) == 1


def test_json_holds_the_traces_as_they_are_stored(probe: Command, here: Run, ports: Any) -> None:
    name = probe.configure(f"id: b, url: 'tcp://127.0.0.1:{ports.closed}'")
    done = here("check", name, "--trace=hello", "--format", "json")
    found = json.loads(done.out)["measurements"]
    assert found == probe.stored()
    (syn,) = [m for m in found if m["followup"] == "trace-syn"]
    assert syn["check"] == "trace"
    assert syn["steps"][0]["op"] == "trace_hop"
    assert syn["steps"][0]["detail"]["ttl"] == 1
    # There was no server name to be sent.
    assert "trace-hello" not in {m["followup"] for m in found}


def test_without_the_option_nothing_is_traced(probe: Command, here: Run, ports: Any) -> None:
    done = here("check", probe.configure(f"id: b, url: 'tcp://127.0.0.1:{ports.closed}'"))
    assert "trace" not in done.out
    assert {m["role"] for m in probe.stored()} == {"target"}


def test_a_system_that_cannot_trace_says_so_in_one_line(
    probe: Command, here: Run, ports: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: RealTracer, ip: str) -> None:
        raise TracingUnavailableError("this kernel cannot")

    monkeypatch.setattr(RealTracer, "require", refuse)
    bad = [f"id: b{n}, url: 'tcp://127.0.0.{n}:{ports.closed}'" for n in (1, 2)]
    done = here("check", probe.configure(*bad), "--trace")
    assert done.code == 1
    assert done.err.count("note: no trace: this kernel cannot\n") == 1
    assert {m["role"] for m in probe.stored()} == {"target"}


def test_a_hello_to_a_server_that_closes_on_it(probe: Command, here: Run, ports: Any) -> None:
    name = probe.configure(f"id: b, url: 'tls://localhost:{ports.expired}'")
    done = here("check", name, "--trace=hello")
    lines = [line.split() for line in done.out.partition("trace by ClientHello")[2].splitlines()]
    # Loopback is one hop: the server's own answer, which a reset is not.
    assert [line[2] for line in lines if line[:1] == ["1"]] == ["data"], done.out


def test_a_value_it_does_not_know_and_a_contradiction_are_refused(here: Run) -> None:
    one_line(here("check", "tcp://127.0.0.1:9", "--trace=all"), 2, "--trace")
    one_line(here("check", "tcp://127.0.0.1:9", "--trace", "--quick"), 2, "--quick", "--trace")


def test_the_plan_lists_it(here: Run) -> None:
    target = "tls://site.example:443"

    def lines(*options: str) -> list[str]:
        done = here("plan", *options, target, "--format", "json")
        return [row["what"] for row in json.loads(done.out) if row["for"].startswith("trace")]

    assert lines() == []
    assert len(lines("--trace")) == 2
    assert len(lines("--trace=hello")) == 3
    assert "site.example in clear" in lines("--trace=hello")[-1]
