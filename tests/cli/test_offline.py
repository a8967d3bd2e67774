"""Without the internet the probe says so, and concludes nothing about anybody.

In a network namespace of its own: never on the machine's own line, where a proxy may answer for
every address.
"""

import csv
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from loopback.servers import Certificates
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


@dataclass(frozen=True)
class Offline:
    """A check of a whole service that was made alone, and how many seconds it took."""

    probe: Command
    done: Done
    took: float


@pytest.fixture(scope="module")
def offline(
    tmp_path_factory: pytest.TempPathFactory, authorities: Certificates
) -> Iterator[Offline]:
    with closing(Command(tmp_path_factory.mktemp("offline"), authorities.ca_file)) as probe:
        before = time.monotonic()
        done = probe("check", "whatsapp", before=inside("alone"), within=200)
        yield Offline(probe, done, time.monotonic() - before)


def test_without_a_network_a_service_is_offline_within_a_minute(offline: Offline) -> None:
    assert offline.done.code == 3
    assert offline.took < 60  # one after the other they would take several minutes
    assert "no anchor answered either" in offline.done.out
    assert offline.done.widest <= 80


def test_every_target_is_measured_and_in_the_csv(offline: Offline) -> None:
    exported = offline.probe("export", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(exported.out, newline="")))
    listed = json.loads(offline.probe("targets", "list", "whatsapp", "--format", "json").out)
    assert Counter(row["url"] for row in rows) == Counter(entry["url"] for entry in listed)
    assert {row["outcome"] for row in rows} == {"offline"}
    assert "" not in {row["failure"] for row in rows}


def test_nobody_is_accused_and_nothing_is_concluded(offline: Offline) -> None:
    verdicts = offline.probe.stored("results/verdicts/*.jsonl")
    assert {v["outcome"] for v in verdicts} == {"offline"}
    assert {v["locus"] for v in verdicts} == {"vantage"}
    assert {v["mechanism"] for v in verdicts} == {None}
    features = [v["feature"] for v in verdicts if v["target"] is None]
    assert sorted(features) == ["media", "registration", "text", "web"]


def test_the_diary_says_that_the_vantage_was_offline(offline: Offline) -> None:
    assert [event["state"] for event in offline.probe.stored("results/events.jsonl")] == ["offline"]


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
    assert list(probe.folder.iterdir()) == []
