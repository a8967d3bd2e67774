"""probe check: what it says, what it stores, and what its exit code means."""

import csv
import io
import json
import os
import pty
import re
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
from support.command import PROBE, Command, Run, one_line, wait_until
from support.namespace import on_disk
from support.records import verdict

from probe.cli.check import exit_code

HEADER = (
    "started,vantage,country,asn,network,service,feature,target,url,check,address,outcome,"
    "mechanism,locus,rule,failure,failed_op,dns_ms,connect_ms,tls_ms,first_byte_ms,total_ms,bytes,"
    "http_status,resolver,covered,control_outcome,trial,origin,role,cycle,invalid,measurement\r\n"
)
SECRET = "hunter2"
COLOUR = re.compile(r"\x1b\[[\d;]*m")


# --- exit codes ----------------------------------------------------------------------------------


def feature(name: str, outcome: str) -> Any:
    return verdict(None, outcome, feature=name, url=None)


def member(name: str, outcome: str) -> Any:
    return verdict(f"{name}-1", outcome, feature=name)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], 0),
        ([member("web", "ok")], 0),
        ([member("web", "unreachable")], 1),
        ([member("web", "inconclusive")], 1),
        ([member("web", "blocked"), member("text", "ok")], 1),
        ([member("web", "offline")], 3),
        ([member("web", "offline"), member("text", "ok")], 3),
        ([member("web", "offline"), member("text", "unreachable")], 1),
        ([member("web", "invalid")], 4),
        ([member("web", "invalid"), member("text", "offline")], 4),
        ([member("web", "invalid"), member("text", "unreachable")], 4),
        # A service counts by its features ...
        ([feature("web", "ok"), member("web", "ok"), member("web", "unreachable")], 0),
        ([feature("web", "unreachable"), member("web", "ok"), member("web", "unreachable")], 1),
        ([feature("web", "offline"), member("web", "offline"), member("web", "unreachable")], 3),
        ([feature("web", "ok"), feature("text", "unreachable"), member("web", "ok")], 1),
        # ... but what belongs to no feature counts beside it, and our own errors always do.
        ([feature("web", "ok"), member("web", "ok"), member("text", "unreachable")], 1),
        ([feature("web", "ok"), member("web", "ok"), member("web", "invalid")], 4),
    ],
)
def test_the_exit_code_is_the_first_that_applies(verdicts: list[Any], code: int) -> None:
    assert exit_code(verdicts) == code
    assert exit_code(verdicts[::-1]) == code


def test_all_ok_is_zero_and_anything_that_is_not_ok_is_one(probe: Command, ports: Any) -> None:
    good, bad = f"tcp://127.0.0.1:{ports.tcp}", f"tcp://127.0.0.1:{ports.closed}"
    assert probe("check", good, f"https://localhost:{ports.https}/").code == 0
    assert probe("check", good, bad).code == 1


def test_a_service_counts_by_its_features(probe: Command, ports: Any) -> None:
    targets = [
        f"{{id: a, service: pigeon, feature: text, url: 'tcp://127.0.0.1:{ports.tcp}'}}",
        f"{{id: b, service: pigeon, feature: text, url: 'tcp://127.0.0.1:{ports.closed}'}}",
    ]
    targets = [target.strip("{}") for target in targets]
    assert probe("check", probe.configure(*targets)).code == 0
    assert probe("check", probe.configure(*targets, policies="{pigeon: {text: all}}")).code == 1


def test_our_own_error_is_four_and_counts_against_nobody(probe: Command, ports: Any) -> None:
    broken = f"id: broken, url: 'tls://localhost:{ports.tls}', ca_file: none.pem"
    bad = f"id: bad, url: 'tcp://127.0.0.1:{ports.closed}'"
    done = probe("check", probe.configure(broken, bad))
    assert done.code == 4
    assert "none.pem" in done.out
    assert [(v["target"], v["outcome"]) for v in probe.stored("results/verdicts/*")] == [
        ("broken", "invalid"),
        ("bad", "unreachable"),
    ]


# --- forms ---------------------------------------------------------------------------------------


def test_json_is_one_object_of_run_vantage_verdicts_and_measurements(
    probe: Command, ports: Any
) -> None:
    name = probe.configure(f"id: a, service: s, feature: f, url: 'tcp://127.0.0.1:{ports.tcp}'")
    done = probe("check", name, "--format", "json")
    told = json.loads(done.out)
    assert list(told) == ["run", "vantage", "verdicts", "measurements", "services"]
    assert told["vantage"] == {"id": "local", "country": "ZZ", "asn": None, "network": None}
    assert [v["target"] for v in told["verdicts"]] == [None, "a"]
    assert [m["run"] for m in told["measurements"]] == [told["run"]]
    assert told["measurements"] == probe.stored()
    assert done.err == ""


def test_json_lines_are_one_verdict_each(probe: Command, ports: Any) -> None:
    name = probe.configure(f"id: a, service: s, feature: f, url: 'tcp://127.0.0.1:{ports.tcp}'")
    done = probe("check", name, "--format", "jsonl")
    verdicts = [json.loads(line) for line in done.out.splitlines()]
    assert [(v["target"], v["feature"], v["outcome"]) for v in verdicts] == [
        (None, "f", "ok"),
        ("a", "f", "ok"),
    ]
    assert done.err == ""


def test_csv_has_the_header_of_the_contract_and_a_row_per_target(
    probe: Command, ports: Any
) -> None:
    urls = [f"tcp://127.0.0.1:{ports.closed}", f"https://localhost:{ports.https}/"]
    done = probe("check", *urls, "--format", "csv")
    assert done.err == ""
    lines = done.out.splitlines(keepends=True)
    assert lines[0] == HEADER
    assert all(line.endswith("\r\n") for line in lines)
    rows = {row["target"]: row for row in csv.DictReader(io.StringIO(done.out, newline=""))}
    assert list(rows) != []
    assert set(rows) == set(urls)
    assert rows[urls[0]]["mechanism"] == "tcp.refused"
    assert rows[urls[0]]["failure"] == "connection_refused"
    assert rows[urls[1]]["http_status"] == "200"
    assert probe("export", "--format", "csv").out.splitlines()[0] == HEADER.rstrip()


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_standard_output_carries_data_only_and_quiet_says_nothing_else(
    probe: Command, here: Run, ports: Any, form: str
) -> None:
    name = probe.configure(f"id: a, url: 'tcp://127.0.0.1:{ports.closed}'")
    done = here("check", name, "--format", form)
    assert ("results: " in done.err) is (form == "table")
    assert "results: " not in done.out
    assert "\x1b" not in done.out + done.err
    quiet = here("check", name, "--format", form, "--quiet")
    assert (quiet.code, quiet.err) == (1, "")
    assert quiet.out != ""


def test_a_file_gets_everything_and_standard_output_nothing(probe: Command, ports: Any) -> None:
    path = probe.folder / "out.csv"
    url = f"tcp://127.0.0.1:{ports.tcp}"
    done = probe("check", url, "--format", "csv", "-o", path.name, umask=0)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert path.read_bytes().startswith(HEADER.encode())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    done = probe("check", url, "-o", "out.txt")
    assert done.out == ""
    assert done.err == "results: results\n"
    assert "\x1b" not in (probe.folder / "out.txt").read_text()


# --- the table -----------------------------------------------------------------------------------


def test_no_line_of_the_table_is_wider_than_80_columns(probe: Command, ports: Any) -> None:
    long = f"http://127.0.0.1:{ports.http}/{'very-long/' * 40}end"
    wide = f"id: w, service: {'媒体服务' * 9}, feature: 图片, url: 'tcp://127.0.0.1:{ports.tcp}'"
    name = probe.configure(wide, f"id: {'n' * 150}, url: 'tcp://127.0.0.1:{ports.closed}'")
    for options in ((), ("-v",)):
        done = probe("check", name, long, *options)
        assert done.code == 1
        assert done.widest <= 80
        assert len(done.out.splitlines()) < 20
        assert "very-long" in done.out
        assert done.out.replace("\n", "").count("媒") == 18  # in the table and in the sentence


def test_an_ipv6_target_is_no_markup(probe: Command, ports: Any) -> None:
    url = f"tcp://[::1]:{ports.closed}"
    assert url in probe("check", url).out
    assert f"[::1]:{ports.closed} " in probe("plan", url).out


def test_hostile_texts_are_shown_and_do_nothing(probe: Command, here: Run, ports: Any) -> None:
    hostile = r'"evil\e[31m[bold red]\e]0;title\a"'
    name = probe.configure(
        rf'id: a, service: {hostile}, feature: "a\u202eb", url: "tcp://127.0.0.1:{ports.tcp}"',
        rf'id: b, service: {hostile}, feature: c, url: "http://127.0.0.1:{ports.http}/[bold]x"',
    )
    for command in (["check", name, "-v"], ["check", name], ["plan", name]):
        out = here(*command).out
        assert "\x1b" not in out
        assert "\x07" not in out
        assert "\u202e" not in out
        assert "[bold red]" in out.replace("\n", "")


def on_a_terminal(probe: Command, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run it with a terminal for standard output and error; its exit code and what it showed."""
    ours, theirs = pty.openpty()
    try:
        env = {"TERM": "xterm-256color", **environment}
        process = probe.start(*PROBE, *arguments, stdout=theirs, stderr=theirs, env=env)
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says EIO when nobody holds the other end any more
                break
            shown += piece
        return process.wait(), shown.decode()
    finally:
        os.close(ours)


def test_a_terminal_shows_colours_and_progress_unless_told_otherwise(
    probe: Command, ports: Any
) -> None:
    command = (
        "check",
        f"tcp://127.0.0.1:{ports.tcp}",
        f"tls://127.0.0.1:{ports.silent}#timeout=300ms",
    )
    code, shown = on_a_terminal(probe, *command)
    assert code == 1
    assert "measuring" in shown
    assert {"\x1b[32m", "\x1b[33m"} <= set(COLOUR.findall(shown))
    code, plain = on_a_terminal(probe, *command, NO_COLOR="1")
    assert {"\x1b[32m", "\x1b[33m"}.isdisjoint(COLOUR.findall(plain))
    code, quiet = on_a_terminal(probe, *command, "--quiet")
    assert "measuring" not in quiet
    assert "results:" not in quiet
    code, data = on_a_terminal(probe, *command, "--format", "jsonl")
    assert [json.loads(line)["outcome"] for line in data.splitlines()] == ["ok", "unreachable"]


# --- what is stored ------------------------------------------------------------------------------


def test_without_storing_no_folder_is_left(probe: Command, ports: Any) -> None:
    done = probe("check", f"http://127.0.0.1:{ports.echo}/", "--no-store")
    assert done.code == 0
    assert done.err == ""
    assert list(probe.folder.iterdir()) == []


def test_results_go_where_the_option_else_the_configuration_else_the_default_says(
    probe: Command, here: Run, ports: Any
) -> None:
    url = f"tcp://127.0.0.1:{ports.tcp}"
    (probe.folder / "below").mkdir()
    name = probe.configure(f"id: a, url: '{url}'", name="below/probe.yaml", results="kept")
    here("check", url)
    here("check", name)
    here("check", name, "--results", "elsewhere")
    found = {str(path.parent) for path in probe.folder.rglob("????-??-??.jsonl")}
    assert {path.removeprefix(f"{probe.folder}/") for path in found} == {
        "results",
        "results/verdicts",
        "below/kept",
        "below/kept/verdicts",
        "elsewhere",
        "elsewhere/verdicts",
    }


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_files_are_0640_and_folders_0750_whatever_the_umask(
    probe: Command, ports: Any, umask: int
) -> None:
    urls = [f"https://localhost:{ports.expired}/", f"http://127.0.0.1:{ports.echo}/"]
    probe("check", *urls, "--results", "new/results", umask=umask)
    found = [*(probe.folder / "new").rglob("*"), probe.folder / "new"]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in found}
    assert modes == {(True, 0o750), (False, 0o640)}
    assert any(path.parent.name == "objects" for path in found)


def test_the_vantage_is_what_the_command_line_says(probe: Command, ports: Any) -> None:
    name = probe.configure(
        f"id: a, url: 'tcp://127.0.0.1:{ports.tcp}'", vantage="{id: sh-1, country: CN}"
    )
    done = probe("check", name, "--vantage", "asn=4134", "--vantage", "network=mobile")
    assert done.code == 0
    vantage = {"id": "sh-1", "country": "CN", "asn": 4134, "network": "mobile"}
    assert [record["vantage"] for record in probe.stored()] == [vantage]
    assert [record["vantage"] for record in probe.stored("results/verdicts/*")] == [vantage]


def test_the_resolvers_are_those_of_the_command_line(probe: Command, ports: Any) -> None:
    name = probe.configure(
        "id: a, url: 'dns://site.example'",
        resolvers="['udp://127.0.0.1:1']",
        timeouts="{late_answers: 50ms}",
    )
    assert probe("check", name).code == 1
    resolver = f"udp://127.0.0.1:{ports.resolver}"
    done = probe("check", name, "--resolver", resolver, "--format", "csv")
    assert done.code == 0
    rows = list(csv.DictReader(io.StringIO(done.out, newline="")))
    assert [row["resolver"] for row in rows] == [resolver]


def test_a_secret_in_a_url_is_neither_shown_nor_stored(
    probe: Command, here: Run, ports: Any
) -> None:
    urls = [
        f"http://127.0.0.1:{ports.http}/a?token={SECRET}&b=1",
        f"https://localhost:{ports.https}/a?api_key={SECRET}",
        f"https://localhost:{ports.expired}/?password={SECRET}",
        f"http://127.0.0.1:{ports.closed}/?access_token={SECRET}",
    ]
    name = probe.configure(*(f"url: '{url}'" for url in urls))
    for form in ("table", "json", "jsonl", "csv"):
        for what in (urls, [name, "-v"]):
            done = here("check", *what, "--format", form)
            assert done.code == 1
            assert SECRET not in done.out + done.err
            assert "***" in done.out
    for command in (["export"], ["export", "--steps"], ["export", "--verdicts"], ["plan", *urls]):
        done = here(*command)
        assert done.code == 0
        assert SECRET not in done.out + done.err
    leaks = [path for path in (probe.folder / "results").rglob("*") if holds_the_secret(path)]
    assert leaks == []


def holds_the_secret(path: Path) -> bool:
    return SECRET in path.name or (path.is_file() and SECRET.encode() in path.read_bytes())


# --- trouble -------------------------------------------------------------------------------------


def test_ctrl_c_stores_what_was_finished_and_what_was_under_way(probe: Command, ports: Any) -> None:
    # Targets start in this order: when the second is done, the first is under way.
    urls = [f"tls://127.0.0.1:{ports.silent}", f"tcp://127.0.0.1:{ports.tcp}"]
    process = probe.start(*PROBE, "check", *urls, "--format", "json", "-o", "out.json")
    wait_until(lambda: len(probe.stored("results/verdicts/*")) == 1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert err == b"interrupted; what was measured is in results\n"
    assert {path.name for path in probe.folder.iterdir()} == {"results"}
    finished, cut = probe.stored()
    assert finished["steps"][-1]["failure"] is None
    assert cut["target"]["url"] == urls[0]
    assert [step["failure"] for step in cut["steps"]] == [None, "interrupted"]
    assert [v["outcome"] for v in probe.stored("results/verdicts/*")] == ["ok", "inconclusive"]
    assert probe("export").out.count("\r\n") == 3


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_reader_that_goes_away_makes_nothing_ok_that_was_not(
    probe: Command, ports: Any, form: str
) -> None:
    url = f"tcp://127.0.0.1:{ports.closed}"
    process = probe.start(*PROBE, "check", url, "--quiet", "--format", form)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1


def test_a_full_disk_is_told_and_the_results_are_shown_all_the_same(
    probe: Command, ports: Any
) -> None:
    urls = [f"https://localhost:{ports.https}/?{n}" for n in range(6)]
    before = on_disk(probe.folder, "size=16k")
    done = probe("check", *urls, "--format", "jsonl", before=before)
    assert done.code == 4
    assert [json.loads(line)["outcome"] for line in done.out.splitlines()] == ["ok"] * 6
    assert done.err.count("\n") == 1
    assert "the disk is full; free some room there; not everything was stored" in done.err


def test_a_folder_that_cannot_be_written_is_one_line(probe: Command) -> None:
    done = probe("check", "tcp://127.0.0.1:1", before=on_disk(probe.folder, "ro"))
    one_line(done, 2, "results: cannot write results there: read-only file system")


def test_a_shortage_of_this_machine_is_no_failure_of_a_target(probe: Command, ports: Any) -> None:
    names = [f"tls://127.0.0.1:{ports.silent}?sni=a{n}.example#timeout=1s" for n in range(16)]
    few = ("sh", "-c", 'ulimit -n 16; exec "$@"', "sh")
    done = probe("check", *names, "--no-store", "--format", "json", before=few)
    assert done.code == 4
    told = json.loads(done.out)
    assert {v["outcome"] for v in told["verdicts"]} == {"invalid", "unreachable"}
    for measurement in told["measurements"]:
        failed = measurement["steps"][-1]["failure"]
        if measurement["invalid"] is None:
            assert failed == "generic_timeout_error"
        else:
            assert measurement["invalid"] == "OSError: [Errno 24] Too many open files"
