"""probe export: what was stored, in every form, in bounded memory."""

import csv
import importlib.util
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from probe.cli.main import main
from probe.core.model import Control, Measurement, Software, Step, Target, Vantage, Verdict
from probe.record.journal import Journal

PROJECT = Path(__file__).parents[2]
NOON = datetime(2017, 7, 18, 12, tzinfo=UTC)
MEASUREMENT = Measurement(
    id="m",
    run="r",
    cycle="c",
    started=NOON,
    vantage=Vantage(id="local"),
    target=Target(id="e1", service="messenger", feature="text", url="tcp://192.0.2.1:443"),
    check="tcp",
    steps=(Step(op="connect", transaction=1, address="192.0.2.1:443", t0=0.0, t=0.05),),
    software=Software(name="probe", version="0"),
)
VERDICT = Verdict(
    id="v",
    at=NOON,
    cycle="c",
    vantage=Vantage(id="local"),
    target="e1",
    service="messenger",
    feature="text",
    url="tcp://192.0.2.1:443",
    outcome="ok",
    mechanism=None,
    locus=None,
    rule="complete",
    rules=1,
    covered="handshake",
    control=Control(),
    evidence=("m",),
)
VPN = Target(id="office", service="vpn", feature="tunnel", url="tcp://192.0.2.2:1194")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two targets, one of them failing, a follow-up, an anchor, and what a control measured."""
    later = NOON + timedelta(hours=1)
    with Journal(tmp_path / "results") as journal:
        for measurement in (
            replace(MEASUREMENT, id="m-ok", cycle="c-ok"),
            replace(MEASUREMENT, id="m-bad", cycle="c-bad", started=later, target=VPN),
            replace(MEASUREMENT, id="m-followup", cycle="c-bad", role="followup"),
            replace(MEASUREMENT, id="m-anchor", cycle="c-anchor", role="anchor"),
            replace(MEASUREMENT, id="m-control", cycle="c-bad", origin="control-1"),
        ):
            journal.measurement(measurement)
        journal.verdict(replace(VERDICT, id="v-ok", cycle="c-ok"))
        journal.verdict(
            replace(
                VERDICT,
                id="v-bad",
                cycle="c-bad",
                at=later,
                target="office",
                service="vpn",
                feature="tunnel",
                outcome="unreachable",
                mechanism="tcp.timeout",
            )
        )
        journal.verdict(replace(VERDICT, id="v-feature", target=None, url=None, policy="any"))
    return tmp_path / "results"


def exported(
    capsys: pytest.CaptureFixture[str], root: Path, *arguments: str
) -> tuple[str, list[str]]:
    """Standard output, and the lines on standard error."""
    assert main(["export", "--results", str(root), *arguments]) == 0
    said = capsys.readouterr()
    return said.out, said.err.splitlines()


def column(out: str, name: str) -> list[str]:
    return [row[name] for row in csv.DictReader(io.StringIO(out, newline=""))]


def test_csv_is_the_default_with_verdicts_beside_the_measurements(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, said = exported(capsys, root)
    assert column(out, "measurement") == ["m-ok", "m-bad"]
    assert column(out, "outcome") == ["ok", "unreachable"]
    assert column(out, "mechanism") == ["", "tcp.timeout"]
    assert out.count("\r\n") == out.count("\n") == 3
    assert said == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--all"], ["m-ok", "m-bad", "m-followup", "m-anchor", "m-control"]),
        (["--service", "vpn"], ["m-bad"]),
        (["--service", "vpn", "--service", "messenger"], ["m-ok", "m-bad"]),
        (["--service", "vpn", "--target", "e1"], []),
        (["--target", "e1"], ["m-ok"]),
        (["--outcome", "unreachable"], ["m-bad"]),
        (["--outcome", "unreachable", "--outcome", "ok"], ["m-ok", "m-bad"]),
        (["--outcome", "unreachable", "--all"], ["m-bad", "m-followup", "m-control"]),
        (["--since", "2017-07-18T12:00:00.000001Z"], ["m-bad"]),
        (["--until", "2017-07-18T13:00:00Z"], ["m-ok"]),
        (["--since", "2017-07-18", "--until", "2017-07-19"], ["m-ok", "m-bad"]),
        (["--until", "2017-07-18"], []),
    ],
)
def test_filters_choose_the_same_rows_in_every_format(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: list[str]
) -> None:
    out, _ = exported(capsys, root, *arguments)
    assert column(out, "measurement") == expected
    out, _ = exported(capsys, root, "--format", "jsonl", *arguments)
    assert [json.loads(line)["id"] for line in out.splitlines()] == expected
    out, _ = exported(capsys, root, "--format", "json", *arguments)
    assert [record["id"] for record in json.loads(out)] == expected
    out, _ = exported(capsys, root, "--steps", *arguments)
    assert column(out, "measurement") == expected


def test_json_lines_are_the_records_as_they_were_stored(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = exported(capsys, root, "--format", "jsonl", "--all")
    assert out == (root / "2017-07-18.jsonl").read_text()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["v-ok", "v-bad", "v-feature"]),
        (["--service", "vpn"], ["v-bad"]),
        (["--target", "e1"], ["v-ok"]),
        (["--outcome", "ok"], ["v-ok", "v-feature"]),
        (["--since", "2017-07-18T12:30:00Z"], ["v-bad"]),
    ],
)
def test_verdicts_are_rows_of_their_own(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: list[str]
) -> None:
    out, _ = exported(capsys, root, "--verdicts", *arguments)
    assert column(out, "verdict") == expected
    out, _ = exported(capsys, root, "--verdicts", "--format", "jsonl", *arguments)
    assert [json.loads(line)["id"] for line in out.splitlines()] == expected
    out, _ = exported(capsys, root, "--verdicts", "--format", "json", *arguments)
    assert [record["id"] for record in json.loads(out)] == expected


def test_the_table_is_for_a_person(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, said = exported(capsys, root, "--format", "table")
    assert "vpn tunnel" in out
    assert "tcp.timeout" in out
    assert max(map(len, out.splitlines())) <= 80
    assert said == []


def test_a_file_gets_the_same_bytes_as_standard_output(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = exported(capsys, root)
    nothing, said = exported(capsys, root, "-o", str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_bytes() == out.encode()
    assert (tmp_path / "out.csv").stat().st_mode & 0o7777 == 0o640
    assert (nothing, said) == ("", [])


def test_unreadable_lines_are_told_on_standard_error_only(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / "2017-07-18.jsonl"
    with path.open("ab") as file:
        file.write(b"rubbish\n{}\n" + b'{"schema":1')
    out, said = exported(capsys, root)
    assert column(out, "measurement") == ["m-ok", "m-bad"]
    assert said == [f"skipped 2 unreadable lines, first in {path}:6"]
    assert exported(capsys, root, "--quiet")[1] == []


def test_an_unfinished_line_is_a_writer_at_work_and_no_news(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (root / "2017-07-18.jsonl").open("ab") as file:
        file.write(b'{"schema":1')
    assert exported(capsys, root)[1] == []


def test_that_nothing_matched_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, said = exported(capsys, root, "--service", "whatsap")
    assert out.count("\n") == 1
    assert said == ["nothing matched: there are no results of that kind"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--outcome", "blokced"], "there is no 'blokced'; did you mean 'blocked'?"),
        (["--outcome", "xyz"], "there are ok, blocked, degraded"),
        (["--since", "tuesday"], "'tuesday' is no time"),
        (["--since", "2018-01-01", "--until", "2017-01-01"], "must be earlier"),
        (["--results", "/nonexistent"], "'/nonexistent' does not exist"),
        (["--format", "xml"], "invalid choice: 'xml'"),
        (["--steps", "--format", "json"], "--steps goes with --format csv only"),
        (["--steps", "--verdicts"], "not allowed with"),
        (["--verdicts", "--format", "table"], "--verdicts goes with"),
        (["-o", "/nonexistent/out.csv"], "cannot write '/nonexistent/out.csv'"),
        (["more"], "unrecognized arguments: more"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_two(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["export", "--results", str(root), *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    assert told.err.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error(root: Path) -> None:
    lines = (root / "2017-07-18.jsonl").read_bytes() * 2000
    (root / "2017-07-18.jsonl").write_bytes(lines)
    for form in ("csv", "jsonl"):
        with subprocess.Popen(
            [sys.executable, "-m", "probe", "export", "--results", str(root), "--format", form],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 0


@pytest.fixture(scope="module")
def bench() -> Any:
    """The benchmark's generator, so that test and benchmark speak of the same data."""
    spec = importlib.util.spec_from_file_location("b", PROJECT / "bench" / "export_memory.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_memory_does_not_grow_with_the_number_of_measurements(
    tmp_path: Path, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.fspath(PROJECT))
    peaks = {}
    for count in (10_000, 50_000):
        bench.generate(tmp_path / str(count), count)
        peaks[count] = bench.export(tmp_path / str(count), tmp_path / f"{count}.csv")
        with (tmp_path / f"{count}.csv").open("rb") as out:
            assert sum(1 for _ in out) == count + 1
    # 40 000 more verdicts, at no more than 150 bytes each; the records themselves take 100 MB.
    assert peaks[50_000] - peaks[10_000] < 40_000 * 150 / 1024
