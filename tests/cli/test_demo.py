"""The demo as a user runs it: a process that ends by itself, or by Ctrl-C."""

import csv
import io
import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from loopback.servers import Certificates
from support.command import PROBE, PROJECT, Command, Done, wait_until

from probe.core.times import parse_instant
from probe.demo.story import MADE_UP
from probe.record import scan


@dataclass(frozen=True)
class Shown:
    """What a whole run of the demo came to, and what ``compare`` says of it by report."""

    done: Done
    folder: Path
    answers: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, authorities: Certificates) -> Iterator[Shown]:
    with closing(Command(tmp_path_factory.mktemp("demo"), authorities.ca_file)) as command:
        done = command("demo", "--quiet", within=280)
        (folder,) = (command.folder / "demo-results").iterdir()
        compared = command(
            *("compare", "--results", folder / "replay", "--until", "2017-08-01"),
            *("--reports", PROJECT / "configs" / "reports", folder / "reports.yaml"),
            *("--format", "csv", "--quiet"),
        )
        rows = csv.DictReader(io.StringIO(compared.out, newline=""))
        yield Shown(done, folder, {row["report"]: row for row in rows})


@pytest.mark.timeout(300)
def test_it_ends_by_itself_and_says_where_everything_is(shown: Shown) -> None:
    assert shown.done.code == 0, shown.done
    paths = ["replay", "reports.yaml", "sockets/results", "sockets/probe.yaml"]
    for path in [*paths, "report.html"] if find_spec("matplotlib") else paths:
        assert (shown.folder / path).exists()
        assert f"{shown.folder.name}/{path}" in shown.done.out
    assert (shown.folder / "reports.yaml").read_bytes() == MADE_UP.read_bytes()
    assert "Traceback" not in shown.done.err


@pytest.mark.timeout(300)
def test_the_reports_get_the_answers_that_the_replay_earns(shown: Shown) -> None:
    answers = {report: row["answer"] for report, row in shown.answers.items()}
    assert answers["demo-false-expressvpn"] == "contradicted"
    assert answers["demo-elsewhere-whatsapp"] == "no_coverage"
    for report in (
        "cn-2017-07-whatsapp-media",
        "cn-2017-07-whatsapp-text",
        "cn-2017-07-greenvpn-closed",
        "cn-2017-06-expressvpn-unaffected",
    ):
        assert answers[report] == "supported"
    assert "tls.reset.sni" in shown.answers["cn-2017-07-whatsapp-media"]["mechanisms"]


@pytest.mark.timeout(300)
def test_over_real_sockets_the_name_is_reset_and_its_neighbour_passes(shown: Shown) -> None:
    results = shown.folder / "sockets" / "results"
    start = (results / "events.jsonl").read_text().splitlines()[0]
    began = parse_instant(json.loads(start)["at"])
    media = []
    for measurement in scan.measurements(results):
        if measurement.role != "target" or "media" not in measurement.target.id:
            continue
        failed = measurement.steps[-1].failure
        at = (measurement.started - began).total_seconds()
        if measurement.target.id != "pigeon-media":
            assert failed is None
        elif 2.5 < at < 3.5:  # a busy machine measures late, and then sees what was then
            media.append(failed)
            assert failed == "connection_reset"
        elif at < 1.5 or at > 4.5:
            media.append(failed)
            assert failed is None
    assert media
    told = {verdict.outcome for verdict in scan.verdicts(results)}
    assert told <= {"ok", "unreachable"}  # there is no control
    assert "ok" in told


def living(group: int) -> list[str]:
    """The processes of a group that are not merely waiting for their end to be noticed."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group, *_ = path.read_text().rpartition(")")[2].split()
            if int(its_group) == group and state not in "ZX":
                found.append(path.parent.name)
    return found


@pytest.mark.parametrize("there", ["sockets/results/events.jsonl", "replay/verdicts/2017-06-09.*"])
def test_ctrl_c_ends_all_of_it_at_once(probe: Command, there: str) -> None:
    process = probe.start(*PROBE, "demo", start_new_session=True)
    wait_until(lambda: list(probe.folder.glob(f"demo-results/*/{there}")), within=120)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: every process gets it
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"interrupted; what was measured is in demo-results/" in err
    assert b"Traceback" not in err
    wait_until(lambda: not living(process.pid))


def test_a_folder_that_cannot_be_made_is_one_line(probe: Command) -> None:
    (probe.folder / "taken").write_text("")
    done = probe("demo", "--results", "taken")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("probe: ")
    assert done.err.count("\n") == 1
