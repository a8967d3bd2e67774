"""probe.run.notify: what the service manager is told, over both kinds of its socket."""

import logging
import os
import secrets
import socket

import pytest

from probe.run.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """The manager's socket, and its address as the environment has it."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(address.replace("@", "\0"))
        sock.settimeout(10)
        yield sock, address


def test_everything_is_told_in_the_manager_s_words(manager):
    sock, address = manager
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000", "HOME": "/"}
    notifier = Notifier.from_environment(environ)
    assert environ == {"HOME": "/"}
    assert notifier.watchdog == 30.0
    notifier.ready("2 targets\nREADY=0")
    notifier.reloading()
    notifier.alive()
    notifier.status("x" * 1000)
    notifier.stopping()
    told = [sock.recv(65536).decode() for _ in range(5)]
    assert told[0] == "READY=1\nSTATUS=2 targets READY=0"
    reloading, at = told[1].split("\n")
    assert reloading == "RELOADING=1"
    assert int(at.removeprefix("MONOTONIC_USEC=")) > 0
    assert told[2] == "WATCHDOG=1"
    assert len(told[3]) < 300
    assert told[4].startswith("STOPPING=1\n")


@pytest.mark.parametrize(
    "environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "relative", "WATCHDOG_USEC": "1"}]
)
def test_without_a_manager_nothing_is_sent(environ, monkeypatch):
    monkeypatch.delattr(socket, "socket")
    notifier = Notifier.from_environment(dict(environ))
    assert notifier.watchdog is None
    notifier.ready("well")
    notifier.alive()


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("2000000", "", 2.0),
        ("2000000", "ours", 2.0),
        ("2000000", "1", None),
        ("0", "", None),
        ("soon", "", None),
    ],
)
def test_a_watchdog_that_is_meant_for_others_is_left_to_them(usec, pid, seconds):
    named = str(os.getpid()) if pid == "ours" else pid
    environ = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": usec, "WATCHDOG_PID": named}
    assert Notifier.from_environment(environ).watchdog == seconds


def test_a_manager_that_does_not_answer_stops_nothing(tmp_path, caplog):
    notifier = Notifier(str(tmp_path / "nobody"))
    with caplog.at_level(logging.WARNING, "probe.run"):
        for _ in range(3):
            notifier.alive()
    assert len(caplog.records) == 1
