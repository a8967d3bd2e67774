"""The command line: every command says what it does, and every mistake is one line."""

import importlib
import json
import pkgutil
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import PROBE, Command, environment

import probe.cli
import probe.cli.targets
from probe import __version__
from probe.cli.main import COMMANDS, main, module_of

ALL = ("", *COMMANDS)
HEAVY = {"asyncio", "apscheduler", "cryptography", "dns", "duckdb", "h11", "httpx", "msgspec"}
HEAVY |= {"pydantic", "rich", "ssl", "yaml"}


def split(line: str) -> list[str]:
    return line.split()


@pytest.mark.parametrize("name", ALL)
def test_help_fits_a_terminal_and_is_no_error(probe: Command, name: str) -> None:
    done = probe(*split(name), "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"usage: probe {name or 'COMMAND'}")
    assert done.widest <= 80


def test_help_imports_nothing_heavy() -> None:
    for name in ALL:
        script = (
            "import json, sys\nfrom probe.cli.main import main\n"
            "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
            "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
        )
        command = [sys.executable, "-c", script, *split(name), "--help"]
        done = subprocess.run(command, env=environment(), capture_output=True, check=True)
        assert HEAVY.isdisjoint(json.loads(done.stdout.splitlines()[-1])), name


def test_help_takes_less_than_150_milliseconds_of_a_processor(probe: Command) -> None:
    """What others do meanwhile is no matter: their time is not counted."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        probe("check", "--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.15


def test_every_command_is_listed_with_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert f"{name:9} {summary}" in out
    modules = [importlib.import_module(f"probe.cli.{m.name}") for m in _modules()]
    runnable = {module for module in modules if hasattr(module, "arguments")}
    assert runnable == set(map(module_of, COMMANDS))


def _modules() -> list[pkgutil.ModuleInfo]:
    return list(pkgutil.iter_modules(probe.cli.__path__))


def test_the_version_is_told(probe: Command) -> None:
    assert probe("--version").out == f"probe {__version__}\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("chekc", "there is no command 'chekc'; did you mean 'check'?"),
        ("whatsapp", "there is no command 'whatsapp'; see 'probe --help'"),
        ("tcp://127.0.0.1:80", "a target, not a command; write: probe check tcp://127.0.0.1:80"),
        ("https://u:hunter2@h/?token=hunter2", "write: probe check https://***@h/?token=***"),
        ("--verbose", "unrecognized arguments: --verbose (see 'probe --help')"),
        ("check --frmat csv", "unrecognized arguments: --frmat"),
        ("check --forma csv x", "unrecognized arguments: --forma"),
        ("check --format xml x", "argument --format: invalid choice: 'xml'"),
        ("check", "say what to check: a URL, a configuration file or a service"),
        ("plan", "say what to plan"),
        ("run", "the following arguments are required: -c"),
        ("doctor now", "unrecognized arguments: now"),
        ("\x1b[31mred", r"\x1b[31mred"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    assert main(split(line)) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("probe: ")
    assert told.err.count("\n") == 1
    assert said in told.err
    assert "hunter2" not in told.err
    assert "\x1b" not in told.err


def test_options_may_stand_between_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    line = "plan tcp://127.0.0.1:1 --format jsonl tcp://127.0.0.1:2"
    assert main(split(line)) == 0
    planned = map(json.loads, capsys.readouterr().out.splitlines())
    assert {(p["host"], p["port"]) for p in planned} >= {("127.0.0.1", 1), ("127.0.0.1", 2)}


def _fails(_: object) -> int:
    raise ZeroDivisionError("a bug")


def test_a_bug_of_ours_is_one_line_and_exit_code_four(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(probe.cli.targets, "run", _fails)
    assert main(["targets", "list"]) == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "probe: internal error: ZeroDivisionError: a bug (PROBE_DEBUG=1 shows where)\n"
    )
    monkeypatch.setenv("PROBE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["targets", "list"])


def test_ctrl_c_is_exit_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(probe.cli.targets, "run", interrupted)
    assert main(["targets", "list"]) == 130


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_a_reader_that_goes_away_is_no_error(probe: Command, form: str) -> None:
    process = probe.start(*PROBE, "targets", "list", "--format", form)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0


def test_output_that_finds_no_room_is_one_line(probe: Command) -> None:
    for form in ("table", "csv"):
        with Path("/dev/full").open("w") as full:
            done = (
                subprocess.Popen.communicate,
                probe.start(*PROBE, "targets", "list", "--format", form, stdout=full),
            )
            _, err = done[1].communicate()
        assert done[1].returncode == 2
        assert err == b"probe: cannot write to standard output: the disk is full\n"


def test_closed_streams_are_no_error(probe: Command) -> None:
    closing = ("sh", "-c", 'exec "$@" >&- 2>&-', "sh")
    done = probe("targets", "list", before=closing)
    assert (done.code, done.out, done.err) == (0, "", "")
