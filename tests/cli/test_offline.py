"""Without the internet the probe says so, and concludes nothing about anybody.

In a network namespace of its own: never on the machine's own line, where a proxy may answer for
every address.
"""

import csv
import io
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

from support.command import PROBE, Command, Done
from support.namespace import inside

# Listens, then checks that server and whatever else is named; a backlog answers without a program.
LISTENING = f"""
import socket, subprocess, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    here = "tcp://127.0.0.1:%d" % server.getsockname()[1]
    command = [*{PROBE!r}, "check", here, *sys.argv[1:]]
    code = subprocess.run(command, check=False).returncode
sys.exit(code)
"""


def beside_a_server(probe: Command, *arguments: str) -> Done:
    """Check a server of the namespace itself, and more."""
    return probe.run(*inside("alone"), sys.executable, "-c", LISTENING, *arguments)


def outcomes(done: Done) -> dict[str, str]:
    verdicts = [json.loads(line) for line in done.out.splitlines()]
    return {v["target"]: v["outcome"] for v in verdicts if v["target"]}


def test_a_service_is_offline_and_every_target_is_measured_and_in_the_csv(probe: Command) -> None:
    before = time.monotonic()
    done = probe("check", "whatsapp", before=inside("alone"))
    assert time.monotonic() - before < 30
    assert done.code == 3
    assert "no anchor answered either" in done.out
    assert done.widest <= 80
    exported = probe("export", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(exported.out, newline="")))
    listed = json.loads(probe("targets", "list", "whatsapp", "--format", "json").out)
    assert Counter(row["url"] for row in rows) == Counter(entry["url"] for entry in listed)
    assert {row["outcome"] for row in rows} == {"offline"}
    assert {row["locus"] for row in rows} == {"vantage"}
    assert {row["mechanism"] for row in rows} == {""}
    assert "" not in {row["failure"] for row in rows}


def test_its_features_are_offline_too_and_the_diary_says_since_when(probe: Command) -> None:
    done = probe("check", "whatsapp", "--format", "json", before=inside("alone"))
    assert done.code == 3
    verdicts = json.loads(done.out)["verdicts"]
    features = {v["feature"]: v["outcome"] for v in verdicts if v["target"] is None}
    listed = json.loads(probe("targets", "list", "whatsapp", "--format", "json").out)
    assert features == {entry["feature"]: "offline" for entry in listed}
    events = (probe.folder / "results" / "events.jsonl").read_text().splitlines()
    assert [json.loads(event)["state"] for event in events] == ["offline"]


def test_what_is_on_this_machine_does_not_depend_on_the_line(probe: Command) -> None:
    done = beside_a_server(probe, "--format", "jsonl")
    assert (done.code, done.err) == (0, "")
    assert list(outcomes(done).values()) == ["ok"]


def test_in_a_mixture_each_target_gets_what_is_true_of_it(probe: Command) -> None:
    urls = ["https://whatever.example/", "tcp://192.0.2.1:443", "tcp://127.0.0.1:1"]
    done = beside_a_server(probe, *urls[:2], "--format", "jsonl")
    assert done.code == 3
    here, *others = outcomes(done).items()
    assert here[1] == "ok"
    assert others == [(url, "offline") for url in urls[:2]]
    # A server of this machine that refuses does so whatever the line: that is a failure.
    done = beside_a_server(probe, *urls, "--format", "jsonl")
    assert done.code == 1
    assert outcomes(done)[urls[2]] == "unreachable"


CONFIG = """\
resolvers: ["udp://192.0.2.53"]
anchors: {international: ["https://192.0.2.7/", "https://anchor.example/"], domestic: []}
timeouts: {dns: 500ms, connect: 500ms}
targets:
  - {id: name, url: "https://site.example/"}
  - {id: address, url: "tcp://192.0.2.1:443"}
"""


def test_where_packets_vanish_without_a_word_it_is_offline_as_well(probe: Command) -> None:
    (probe.folder / "void.yaml").write_text(CONFIG)
    done = probe("check", "void.yaml", "--format", "json", before=inside("void"))
    assert done.code == 3
    told = json.loads(done.out)
    assert {v["target"]: v["outcome"] for v in told["verdicts"]} == {
        "name": "offline",
        "address": "offline",
    }
    steps = {m["target"]["id"]: m["steps"] for m in told["measurements"] if m["role"] == "target"}
    assert {step["failure"] for step in (*steps["name"], *steps["address"])} == {
        "generic_timeout_error"
    }


def test_a_resolver_given_on_the_command_line_vanishes_too(probe: Command) -> None:
    (probe.folder / "void.yaml").write_text(CONFIG.replace("192.0.2.53", "127.0.0.1"))
    silent = ("--resolver", "udp://192.0.2.53")
    done = probe("check", "void.yaml", *silent, "--format", "csv", before=inside("void"))
    assert done.code == 3
    rows = {row["target"]: row for row in csv.DictReader(io.StringIO(done.out, newline=""))}
    assert rows["name"]["resolver"] == "udp://192.0.2.53"
    assert rows["name"]["failure"] == "generic_timeout_error"


def test_the_doctor_says_that_there_is_no_route(probe: Command) -> None:
    done = probe("doctor", "--format", "json", before=inside("alone"))
    states = {finding["subject"]: finding["state"] for finding in json.loads(done.out)}
    assert done.code == 1
    assert states["IPv4"] == "wrong"
    assert os.listdir(probe.folder) == []


def test_nothing_that_failed_here_is_called_blocked_or_down(probe: Command) -> None:
    probe("check", "whatsapp", "expressvpn", before=inside("alone"))
    kept = [json.loads(line) for path in _verdicts(probe.folder) for line in path.open()]
    assert {v["outcome"] for v in kept} == {"offline"}
    assert {v["mechanism"] for v in kept} == {None}


def _verdicts(folder: Path) -> list[Path]:
    return sorted((folder / "results" / "verdicts").glob("*.jsonl"))
