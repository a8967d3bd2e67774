"""probe import reports: datasets of others become report files; rows that cannot are listed."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.reported import claim, report_file

from probe.cli.main import main
from probe.compare.reports import parse

HEAD = "country,country_code,affected_regions,start_date,end_date,affected_services,link,source"
GOOD = "China,CN,,2017-07-18,2017-07-20,WhatsApp,https://paper.example/,The Paper"
OTHER = "Iran,IR,,2022-09-21,,WhatsApp,,"
WRONG = "China,CN,,2017-07-32,,WhatsApp,,"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def table(*lines: str) -> str:
    Path("events.csv").write_text("\n".join([HEAD, *lines]), "utf-8")
    return "events.csv"


def imports(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["import", "reports", *arguments]) == code
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def held(path: str) -> list[dict[str, Any]]:
    parse(Path(path).read_bytes(), path)  # as `compare` reads it
    document = yaml.safe_load(Path(path).read_text("utf-8"))
    reports: list[dict[str, Any]] = document["reports"]
    return reports


def test_rows_become_a_report_file_and_wrong_ones_are_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = imports(capsys, "--from", "cenalert", table(GOOD, WRONG, OTHER))
    assert said.splitlines() == [
        "row 2: '2017-07-32' is no day of the calendar",
        "reports/cenalert.yaml: 2 new, 0 updated, 0 unchanged; 1 row rejected",
    ]
    first, second = held("reports/cenalert.yaml")
    assert (first["country"], second["country"]) == ("CN", "IR")
    assert json.loads(first["row"])["source"] == "The Paper"


def test_importing_twice_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    imports(capsys, "--from", "cenalert", table(GOOD, OTHER))
    path = Path("reports/cenalert.yaml")
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    said = imports(capsys, "--from", "cenalert", table(GOOD, OTHER))
    assert "0 new, 0 updated, 2 unchanged" in said
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_what_changed_at_the_source_is_updated_and_the_rest_stays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    imports(capsys, "--from", "cenalert", table(GOOD))
    said = imports(capsys, "--from", "cenalert", table(GOOD.replace("-20,", "-21,"), OTHER))
    assert "1 new, 1 updated, 0 unchanged" in said
    assert [one.get("end_latest") for one in held("reports/cenalert.yaml")] == [
        "2017-07-21T16:00:00Z",
        None,
    ]


def test_reports_of_ones_own_in_the_file_stay(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.yaml").write_text(report_file(claim(id="mine")), "utf-8")
    imports(capsys, "--from", "cenalert", "-o", "mine.yaml", table(GOOD))
    assert [one["id"] == "mine" for one in held("mine.yaml")] == [True, False]


def test_a_file_with_a_mistake_is_not_touched(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.yaml").write_text("reports: [{id: A}]", "utf-8")
    said = imports(capsys, "--from", "cenalert", "-o", "mine.yaml", table(GOOD), code=2)
    assert "mine.yaml:1" in said
    assert Path("mine.yaml").read_text("utf-8") == "reports: [{id: A}]"


def test_all_rejected_rows_go_to_a_file_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    said = imports(capsys, "--from", "cenalert", "--rejected", "no.tsv", table(GOOD, *[WRONG] * 30))
    assert "and 10 more; --rejected FILE lists all" in said
    lines = Path("no.tsv").read_text("utf-8").splitlines()
    assert len(lines) == 30
    assert lines[0].startswith("2\t'2017-07-32' is no day of the calendar\t{")


def test_nothing_but_wrong_rows_is_a_failure_and_leaves_no_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    imports(capsys, "--from", "cenalert", table(WRONG), code=2)
    assert not Path("reports").exists()


def test_what_a_server_wrote_cannot_move_the_cursor_or_break_the_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    note = {
        "id": "1",
        "startDate": "2022-09-21T00:00:00Z",
        "locations": ["IR"],
        "description": "a\x1b[2J\x00\ud800: 'b' #c\n- d",
    }
    wrong = {**note, "id": "2", "startDate": "\x1b[2J"}
    Path("n.json").write_text(json.dumps({"result": {"annotations": [note, wrong]}}), "utf-8")
    said = imports(capsys, "--from", "radar", "n.json")
    assert "\x1b" not in said
    (one,) = held("reports/radar.yaml")
    assert one["sources"][0]["says"] == "a [2J : 'b' #c - d"
    assert "0 new, 0 updated, 1 unchanged" in imports(capsys, "--from", "radar", "n.json")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["events.csv"], "reports need --from and their format: stop, ooni, radar"),
        (["--from", "cenalert", "missing.csv"], "cannot read 'missing.csv': no such file"),
        (["--from", "cenalert", "."], "cannot read '.': is a directory"),
        (["--from", "radar", "events.csv"], "not in the format 'radar': this is no JSON"),
        (["--from", "cenalert", "--results", "r", "events.csv"], "--results goes with ooni only"),
        (["--from", "cenalert", "ftp://x.example/"], "cannot fetch ftp://x.example/"),
        (["--from", "cenalert", "http://[::1"], "cannot fetch http://[::1"),
        (["--from", "nothing", "events.csv"], "invalid choice: 'nothing'"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    table(GOOD)
    said = imports(capsys, *arguments, code=2)
    assert words in said
    assert said.count("\n") == 1


def test_standard_input_is_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(GOOD)
    with Path(path).open() as file:
        monkeypatch.setattr("sys.stdin", file)
        imports(capsys, "--from", "cenalert", "--quiet", "-")
    assert len(held("reports/cenalert.yaml")) == 1
