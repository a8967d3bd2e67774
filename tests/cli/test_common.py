"""probe.cli.common: output that appears whole or not at all, and times that are understood."""

import argparse
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.command import Command, Run, one_line

from probe.cli import common
from probe.cli.common import add_interval, existing_results, interval, output, results_dir
from probe.cli.main import Usage


def times(*arguments: str) -> tuple[datetime | None, datetime | None]:
    parser = argparse.ArgumentParser()
    add_interval(parser)
    return interval(parser.parse_args(arguments))


def test_a_file_appears_whole_with_mode_0640_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    before = os.umask(0)
    try:
        with output(path) as out:
            out.write("new é\r\n")
            assert path.read_text() == "old"
    finally:
        os.umask(before)
    assert path.read_bytes() == "new é\r\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_the_old_file_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), output(path) as out:
        out.write("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real.csv", tmp_path / "link.csv"
    link.symlink_to(real)
    with output(link) as out:
        out.write("data")
    assert link.is_symlink()
    assert real.read_text() == "data"


def test_a_device_is_written_to_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with output(pipe) as out:
        out.write("data")
    assert os.read(reader, 10) == b"data"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_full_disk_is_one_line() -> None:
    with (
        pytest.raises(Usage, match="'/dev/full': the disk is full"),
        output(Path("/dev/full")) as o,
    ):
        o.write("data")


@pytest.mark.parametrize("where", ["missing/out.csv", "file/out.csv", "."])
def test_an_impossible_place_is_one_line(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Usage, match="cannot write") as error, output(tmp_path / where):
        pytest.fail("there is nothing to write to")
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_standard_output_is_utf8_in_any_locale_and_keeps_its_line_ends() -> None:
    script = (
        "from probe.cli.common import output\nwith output(None) as o: o.write('é\\ud800\\r\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={
            **os.environ,
            "PYTHONIOENCODING": "ascii",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        capture_output=True,
        check=True,
    )
    assert done.stdout == "é\\ud800\r\n".encode()


def test_a_bare_date_is_its_first_moment_in_utc() -> None:
    assert times("--since", "2017-07-18", "--until", "2017-07-19T08:00:00+08:00") == (
        datetime(2017, 7, 18, tzinfo=UTC),
        datetime(2017, 7, 19, tzinfo=UTC),
    )
    assert times() == (None, None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "yesterday"], "--since: 'yesterday' is no time"),
        (["--until", "2017-02-30"], "--until: '2017-02-30' is no time"),
        (["--since", "0001-01-01T00:00:00+14:00"], "beyond the calendar"),
        (["--since", "2017-07-19", "--until", "2017-07-18"], "must be earlier than --until"),
        (["--since", "2017-07-18", "--until", "2017-07-18"], "must be earlier than --until"),
    ],
)
def test_a_time_that_makes_no_sense_says_so(arguments: list[str], said: str) -> None:
    with pytest.raises(Usage, match=said):
        times(*arguments)


def test_results_are_where_the_command_line_says_else_here(tmp_path: Path) -> None:
    assert results_dir(argparse.Namespace(results=None)) == Path("results")
    assert results_dir(argparse.Namespace(results=tmp_path)) == tmp_path
    assert existing_results(argparse.Namespace(results=tmp_path)) == tmp_path
    with pytest.raises(Usage, match="does not exist; name another with --results"):
        existing_results(argparse.Namespace(results=tmp_path / "none"))
    (tmp_path / "file").write_text("")
    with pytest.raises(Usage, match="is no folder"):
        existing_results(argparse.Namespace(results=tmp_path / "file"))


def test_the_environment_says_where_results_are_unless_somebody_else_does(
    here: Run, probe: Command, tmp_path: Path, ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROBE_RESULTS", str(tmp_path / "there"))
    target = f"tcp://127.0.0.1:{ports.tcp}"
    name = probe.configure(f"url: '{target}'", results="configured")
    assert here("check", name, "--quiet").code == 0
    assert here("check", name, "--results", "given", "--quiet").code == 0
    assert not (tmp_path / "there").exists()
    assert len(here("export", "--results", "given").out.splitlines()) == 2
    assert len(here("export", "-c", name).out.splitlines()) == 2
    one_line(here("export"), 2, f"{tmp_path}/there' does not exist")
    (tmp_path / "configured").rename(tmp_path / "there")
    assert len(here("export").out.splitlines()) == 2


def test_the_services_folder_is_named_to_whoever_finds_none(
    here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "SERVICE_RESULTS", tmp_path)
    one_line(here("export"), 2, f"name another with --results {tmp_path}")
