"""probe compare: stored verdicts against report files, folders and addresses."""

import csv
import io
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.reported import START, claim, cycles, report_file

from probe.cli.main import main
from probe.core.shipped import shipped
from probe.core.times import rfc3339
from probe.record.journal import Journal


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A vantage in China that saw media fail in 12 of the first 20 cycles of 18 July 2017."""
    root = tmp_path / "results"
    with Journal(root) as journal:
        for verdict in cycles("x" * 12 + "." * 8):
            journal.verdict(verdict)
    return root


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    path = tmp_path / "reports.yaml"
    path.write_text(report_file(claim(), claim(id="text", features=["text"])), "utf-8")
    return path


def compared(
    capsys: pytest.CaptureFixture[str], results: Path, *arguments: object
) -> dict[str, Any]:
    code = main(["compare", "--results", str(results), "--format", "json", *map(str, arguments)])
    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    document: dict[str, Any] = json.loads(said.out)
    return document


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["compare", *map(str, arguments)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_stored_verdicts_are_held_against_a_file(
    results: Path, reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = compared(capsys, results, "--reports", reports)
    media, text = document["answers"]
    assert (media["report"], media["answer"], media["during"]["failed"]) == (
        "whatsapp-media",
        "inconclusive",
        12,
    )
    assert (text["report"], text["answer"]) == ("text", "no_coverage")
    assert document["unreported"] == []


def test_the_shipped_reports_are_the_default(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = compared(capsys, results)["answers"]
    media = next(one for one in answers if one["report"] == "cn-2017-07-whatsapp-media")
    assert media["during"]["cycles"] == 20
    assert len(answers) == sum(
        path.read_text().count("\n  - id:") for path in shipped("reports").glob("*.yaml")
    )


def test_a_folder_stands_for_its_yaml_files(
    results: Path, reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "b.yml").write_text(report_file(claim(id="b")))
    (folder / "a.yaml").write_text(report_file(claim(id="a")))
    (folder / "notes.txt").write_text("no report")
    answers = compared(capsys, results, "--reports", folder, reports)["answers"]
    assert [one["report"] for one in answers] == ["a", "b", "whatsapp-media", "text"]


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *told: object) -> None:
            """Say nothing."""

    handler = partial(Quiet, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_address_is_fetched(
    results: Path, reports: Path, web: str, capsys: pytest.CaptureFixture[str]
) -> None:
    document = compared(capsys, results, "--reports", f"{web}/{reports.name}")
    assert len(document["answers"]) == 2
    said = refused(capsys, "--results", results, "--reports", f"{web}/missing.yaml")
    assert said == f"probe: cannot fetch {web}/missing.yaml: the server answered 404\n"


def test_since_and_until_choose_the_results_that_are_used(
    results: Path, reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    middle = rfc3339(START).replace("16:00", "17:00")  # after six cycles
    later = compared(capsys, results, "--reports", reports, "--since", middle)["answers"][0]
    earlier = compared(capsys, results, "--reports", reports, "--until", middle)["answers"][0]
    assert (later["during"]["failed"], later["during"]["cycles"]) == (6, 14)
    assert (earlier["during"]["failed"], earlier["during"]["cycles"]) == (6, 6)


def test_until_closes_the_window_of_an_ongoing_report(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ongoing.yaml"
    path.write_text(report_file(claim(end_earliest=None, end_latest=None, ongoing=True)))
    answers = compared(capsys, results, "--reports", path, "--until", "2017-07-18")["answers"]
    assert answers[0]["coverage"] == 0.5  # four of the eight hours from 16:00 to midnight


def test_every_format_can_go_to_a_file(
    results: Path, reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = {}
    for form in ("table", "json", "jsonl", "csv"):
        out = tmp_path / f"out.{form}"
        arguments = ["--results", results, "--reports", reports, "--format", form, "-o", out]
        assert main(["compare", *map(str, arguments)]) == 0
        written[form] = out.read_bytes().decode()
    assert capsys.readouterr().out == ""
    assert "Pictures fail" in written["table"]
    assert len(json.loads(written["json"])["answers"]) == 2
    assert len(written["jsonl"].splitlines()) == 2
    assert len(list(csv.reader(io.StringIO(written["csv"], newline="")))) == 3


def test_results_without_verdicts_are_said_to_hold_none(
    tmp_path: Path, reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compare", "--results", str(tmp_path), "--reports", str(reports)]
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert "no coverage" in said.out
    assert said.err == f"there are no verdicts in '{tmp_path}' to hold against reports\n"
    assert main([*arguments, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_unreadable_lines_are_counted_and_the_rest_is_compared(
    results: Path, reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = (results / "verdicts").glob("2017-07-17.jsonl")
    path.write_bytes(b"garbage\n" + path.read_bytes())
    main(["compare", "--results", str(results), "--reports", str(reports), "--format", "json"])
    said = capsys.readouterr()
    assert json.loads(said.out)["answers"][0]["during"]["cycles"] == 20
    assert said.err == f"skipped 1 unreadable line, first in {path}:1\n"


def test_wrong_files_are_told_by_file_line_and_key(
    results: Path, reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(report_file(claim(kind="bloked"), claim()))
    said = refused(capsys, "--results", results, "--reports", reports, wrong).splitlines()
    assert len(said) == 2
    assert said[0].startswith(f"probe: {wrong}:9: reports[0].kind: ")
    assert said[1].startswith(f"probe: {wrong}:")
    assert said[1].endswith(f"reports[1].id: 'whatsapp-media' stands already in {reports}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--results", "missing"], "the results folder 'missing' does not exist"),
        (["--results", ".", "--reports", "missing.yaml"], "'missing.yaml' does not exist"),
        (["--results", ".", "--reports", "empty"], "the folder 'empty' holds no *.yaml file"),
        (["--results", ".", "--reports", "blank.yaml"], "blank.yaml: the file is empty"),
        (["--results", ".", "--reports", "ftp://127.0.0.1/a"], "neither https:// nor http://"),
        (["--results", ".", "--since", "yesterday"], "'yesterday' is no time"),
        (["--results", ".", "--since", "2018-01-01", "--until", "2017-01-01"], "earlier"),
        (["--format", "xml"], "invalid choice: 'xml'"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "blank.yaml").touch()
    said = refused(capsys, *arguments)
    assert told in said
    assert said.count("\n") == 1
