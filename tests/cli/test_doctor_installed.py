"""probe doctor on a server: who may read what, who writes, what has happened, is it installed?"""

import fcntl
import json
import os
import pwd
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.command import Command, Run

from probe.cli.doctor import installed
from probe.core.model import Event
from probe.record.journal import Journal

TARGET = "id: a, url: 'tcp://192.0.2.1:1', every: 10s"


def found(here: Run, *arguments: str) -> dict[str, list[dict[str, str]]]:
    done = here("doctor", "--format", "json", *arguments)
    told: dict[str, list[dict[str, str]]] = {}
    for finding in json.loads(done.out):
        told.setdefault(finding["subject"], []).append(finding)
    return told


def state(told: dict[str, list[dict[str, str]]], subject: str) -> list[tuple[str, str]]:
    return [(finding["state"], finding["text"]) for finding in told.get(subject, [])]


def events(folder: Path, *names: str, age: timedelta = timedelta(hours=3)) -> None:
    with Journal(folder) as journal:
        for name in names:
            journal.event(Event(at=datetime.now(UTC) - age, event=name, vantage="v"))


def test_results_that_others_can_read_are_wrong(here: Run, tmp_path: Path) -> None:
    events(tmp_path / "results", "start")
    assert state(found(here), "permissions") == [("ok", "1 files and folders, closed to others")]
    (tmp_path / "results" / "events.jsonl").chmod(0o644)
    ((sign, text),) = state(found(here), "permissions")
    assert sign == "wrong"
    assert text == "everybody may read events.jsonl: chmod -R o= results"


@pytest.mark.skipif(os.geteuid() != 0, reason="kernel: only root may give files away")
def test_files_of_another_user_are_wrong(here: Run, tmp_path: Path) -> None:
    events(tmp_path / "results", "start")
    os.chown(tmp_path / "results" / "events.jsonl", 12345, 12345)
    ((sign, text),) = state(found(here), "owner")
    assert sign == "wrong"
    assert "events.jsonl not root's" in text
    assert "chown -R root:root results" in text


def test_who_holds_the_results_is_told(here: Run, tmp_path: Path) -> None:
    events(tmp_path / "results", "start")
    assert "running" not in found(here)
    with (tmp_path / "results" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ((sign, text),) = state(found(here), "running")
    assert (sign, text) == ("ok", f"process {os.getpid()} holds the results folder")


def test_a_running_probe_that_measures_nothing_is_wrong(
    here: Run, probe: Command, tmp_path: Path
) -> None:
    name = probe.configure(TARGET, results="results")
    day = tmp_path / "results" / "2026-01-02.jsonl"
    events(day.parent, "start")
    day.write_text("")
    day.chmod(0o640)
    long_ago = datetime.now(UTC).timestamp() - 3600
    os.utime(day, (long_ago, long_ago))
    assert state(found(here, "-c", name), "measured") == [("note", "last 60 min ago")]
    with day.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ((sign, text),) = state(found(here, "-c", name), "measured")
        assert sign == "wrong"
        assert text == "60 min ago, though it runs and something is due every 10 s: see its log"
        os.utime(day)
        assert state(found(here, "-c", name), "measured") == [("ok", "last 0 s ago")]


def test_what_happened_in_the_last_week_is_told(here: Run, tmp_path: Path) -> None:
    events(tmp_path / "results", *["start"] * 3, "clock_jump", "clock_jump", "disk_full")
    events(tmp_path / "results", "missed", age=timedelta(days=8))
    told = found(here)
    assert state(told, "clock jump") == [
        ("note", "2 in 7 days, last 3 h ago: install systemd-timesyncd or chrony")
    ]
    assert state(told, "disk full") == [("note", "1 in 7 days, last 3 h ago: free some room")]
    assert state(told, "crashes")[0][1].startswith("2 times in 7 days without a stop")
    assert "missed" not in told


def test_secrets_that_others_can_read_are_wrong(here: Run, probe: Command, tmp_path: Path) -> None:
    control = '[{url: "https://control.example", token_file: token, ca_file: ca.pem}]'
    name = probe.configure(TARGET, controls=control)
    for file, mode in (("token", 0o600), ("secrets.env", 0o600), ("ca.pem", 0o644)):
        (tmp_path / file).write_text("secret")
        (tmp_path / file).chmod(mode)
    (tmp_path / name).chmod(0o640)
    told = state(found(here, "-c", name), "secrets")
    assert told == [("ok", "the configuration and 2 more: closed to others")]
    (tmp_path / "token").chmod(0o644)
    (tmp_path / "secrets.env").chmod(0o604)
    (tmp_path / name).chmod(0o644)
    told = state(found(here, "-c", name), "secrets")
    assert told == [
        ("note", f"everybody here may read what is measured {name}: chmod o= {name}"),
        ("wrong", "everybody here may read token: chmod o= token"),
        ("wrong", "everybody here may read secrets.env: chmod o= secrets.env"),
    ]
    (tmp_path / "token").unlink()
    assert "token: no such file" in state(found(here, "-c", name), "secrets")[1][1]


def test_a_configuration_with_a_password_in_it_is_a_secret(
    here: Run, probe: Command, tmp_path: Path
) -> None:
    name = probe.configure("id: a, url: 'https://192.0.2.1/?token=abc'")
    (tmp_path / name).chmod(0o644)
    ((sign, _),) = state(found(here, "-c", name), "secrets")
    assert sign == "wrong"


def test_a_profile_with_keys_in_it_is_a_secret(here: Run, probe: Command, tmp_path: Path) -> None:
    (tmp_path / "client.ovpn").write_text("remote 192.0.2.1")
    (tmp_path / "client.ovpn").chmod(0o644)
    name = probe.configure("profile: client.ovpn")
    (tmp_path / name).chmod(0o640)
    told = state(found(here, "-c", name), "secrets")
    assert told == [("wrong", "everybody here may read client.ovpn: chmod o= client.ovpn")]


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server with the unit, whose user is the one that runs this test."""
    folder = tmp_path / "systemd"
    (folder / "wants").mkdir(parents=True)
    monkeypatch.setattr(installed, "FOLDERS", (folder,))
    monkeypatch.setattr(installed, "WANTED", folder / "wants")
    monkeypatch.setattr(installed, "SYSTEMD", folder)
    me = pwd.getpwuid(os.geteuid()).pw_name
    (folder / "probe.service").write_text(f"[Service]\nUser={me}\n")
    return folder / "probe.service"


def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    (tmp_path / "systemctl").write_text(f"#!/bin/sh\necho {says}\n")
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("says", "enabled", "expected"),
    [
        ("active", True, ("ok", "installed, enabled, active")),
        ("inactive", False, ("note", "not enabled: systemctl enable --now probe")),
        ("inactive", True, ("wrong", "enabled, but inactive: systemctl start probe")),
        ("failed", True, ("wrong", "it has failed: journalctl --namespace=probe")),
    ],
)
def test_the_service_is_looked_at(
    here: Run,
    unit: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    says: str,
    enabled: bool,
    expected: tuple[str, str],
) -> None:
    programs(tmp_path, monkeypatch, says)
    if enabled:
        (unit.parent / "wants" / unit.name).symlink_to(unit)
    ((sign, text),) = state(found(here), "service")
    assert sign == expected[0]
    assert expected[1] in text


def test_a_server_without_systemd_running_is_told(
    here: Run, unit: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(installed, "SYSTEMD", tmp_path / "none")
    assert state(found(here), "service") == [("note", "installed, but systemd does not run here")]
    unit.unlink()
    assert "service" not in found(here)


def test_the_services_user_must_be_able_to_do_its_work(
    here: Run, probe: Command, unit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path, monkeypatch, "active")
    name = probe.configure(TARGET, results="results")
    (tmp_path / "results").mkdir(0o750)
    ((sign, _),) = state(found(here, "-c", name), "user")
    assert sign == "ok"
    (tmp_path / name).chmod(0o200)
    if os.geteuid() == 0:  # root reads it all the same; the unit's user is judged by mode
        ((sign, text),) = state(found(here, "-c", name), "user")
        assert (sign, "cannot read" in text) == ("wrong", True)
    (tmp_path / name).chmod(0o640)
    (tmp_path / "results").chmod(0o550)
    ((sign, text),) = state(found(here, "-c", name), "user")
    assert (sign, "cannot write" in text) == ("wrong", True)
    unit.write_text("[Service]\nUser=nobody-of-this-name\n")
    assert "does not exist" in state(found(here), "user")[0][1]


def test_results_where_the_service_cannot_write_are_wrong(
    here: Run, probe: Command, unit: Path
) -> None:
    unit.write_text(unit.read_text() + "StateDirectory=probe\n")
    name = probe.configure(TARGET, results="results")
    told = state(found(here, "-c", name), "results")
    assert told[-1] == (
        "wrong",
        "the service can write below /var/lib/probe only, not to results: results: /var/lib/probe",
    )


@pytest.mark.parametrize("up", [True, False])
def test_the_line_is_asked_only_on_demand(here: Run, probe: Command, ports, up: bool) -> None:
    port = ports.http if up else ports.closed
    name = probe.configure(TARGET, resolvers="['udp://127.0.0.1:9']")
    text = (probe.folder / name).read_text()
    anchors = f'anchors: {{international: ["http://127.0.0.1:{port}/"]}}\n'
    (probe.folder / name).write_text(anchors + "".join(text.splitlines(keepends=True)[1:]))
    assert "line" not in found(here, "-c", name)
    ((sign, text),) = state(found(here, "-c", name, "--network"), "line")
    assert sign == ("ok" if up else "wrong")
    assert ("look at cable" in text) is not up


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{max_size: null}", "may grow without bound: give retention a max_size"),
        ("{max_size: 900000GiB}", "may grow to 900000.0 GiB, there is room for"),
        ("{max_size: 64MiB}", "grow to 64.0 MiB at most"),
    ],
)
def test_the_disk_must_hold_what_results_may_grow_to(
    here: Run, probe: Command, given: str, expected: str
) -> None:
    name = probe.configure(TARGET, retention=given)
    ((_, text),) = state(found(here, "-c", name), "retention")
    assert expected in text
