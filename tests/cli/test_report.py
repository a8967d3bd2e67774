"""probe report: stored results as one page."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.records import measured, step
from support.reported import LAB, START, claim, cycles, report_file

from probe.cli.main import main
from probe.record.journal import Journal

pytest.importorskip("matplotlib")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Media failed in 12 of 20 cycles; measurements took a tenth of a second."""
    root = tmp_path / "results"
    steps = [replace(step("connect", 2), t=0.1), replace(step("transfer", 2), t=0.1)]
    with Journal(root) as journal:
        for verdict in cycles("x" * 12 + "." * 8):
            journal.verdict(verdict)
            made = measured("https", steps, started=verdict.at)
            journal.measurement(replace(made, vantage=LAB))
    return root


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    path = tmp_path / "reports.yaml"
    path.write_text(report_file(claim()), "utf-8")
    return path


def test_a_page_is_written_and_told_of(
    results: Path, reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    arguments = ["--results", str(results), "--reports", str(reports), "-o", str(page)]
    assert main(["report", *arguments, "--title", "July & <after>"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"wrote {page} with 5 figures\n"
    text = page.read_text("utf-8")
    assert "<title>July &amp; &lt;after&gt;</title>" in text
    assert "Pictures fail" in text
    assert "Duration in ms" in text
    assert page.stat().st_mode & 0o777 == 0o640


def test_the_page_goes_to_report_html_or_to_standard_output(
    results: Path,
    reports: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--reports", str(reports), "--quiet"]) == 0
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert capsys.readouterr() == ("", "")
    assert main(["report", "--reports", str(reports), "--quiet", "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("<!DOCTYPE html>")


def test_each_figure_is_also_written_for_a_newspaper(
    results: Path, reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "deep" / "figures"
    where = ["--results", str(results), "-o", str(tmp_path / "page.html")]
    assert main(["report", *where, "--reports", str(reports), "--figures", str(folder)]) == 0
    names = ["coverage", "failures", "latency", "mechanisms", "timeline-1"]
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{name}.{form}" for name in names for form in ("png", "svg")
    ]
    assert (folder / "coverage.png").read_bytes().startswith(b"\x89PNG")
    assert str(folder) in capsys.readouterr().err


def test_reading_every_measurement_can_be_left_out(
    results: Path, reports: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    where = ["--results", str(results), "-o", str(page), "--reports", str(reports), "--quiet"]
    assert main(["report", *where, "--no-latency"]) == 0
    text = page.read_text("utf-8")
    assert "Durations and throughput were left out on request." in text
    assert "Duration in ms" not in text


def test_an_empty_folder_gives_a_page_that_says_so(
    reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    page = tmp_path / "page.html"
    where = ["--results", str(tmp_path / "empty"), "-o", str(page), "--reports", str(reports)]
    assert main(["report", *where]) == 0
    assert "No results were found for this time." in page.read_text("utf-8")
    assert "there are no verdicts to draw; the page says so" in capsys.readouterr().err


def test_results_can_be_cut_at_both_ends(results: Path, reports: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    where = ["--results", str(results), "-o", str(page), "--reports", str(reports), "--quiet"]
    cut = ["--since", "2017-07-17T16:30:00Z", "--until", "2017-07-17T17:00:00Z"]
    assert main(["report", *where, *cut]) == 0
    assert START.hour == 16
    assert "3 cycles with a conclusion, of which 3 failed" in page.read_text("utf-8")


def test_without_matplotlib_it_says_how_to_install_it(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["report", "--results", str(results)]) == 2
    said = capsys.readouterr().err
    assert "pip install 'probe[plots]'" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--results", "nowhere"], "the results folder 'nowhere' does not exist"),
        (["--reports", "nowhere.yaml"], "'nowhere.yaml' does not exist"),
        (["-o", "nowhere/page.html"], "cannot write 'nowhere/page.html'"),
        (["--figures", "reports.yaml"], "cannot write figures to 'reports.yaml'"),
        (["--since", "2018-01-01", "--until", "2017-01-01"], "must be earlier than"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    arguments: list[str],
    told: str,
    results: Path,
    reports: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--reports", str(reports), *arguments]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not (tmp_path / "report.html").exists()
