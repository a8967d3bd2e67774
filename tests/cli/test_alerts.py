"""probe alerts test, and probe run with alerts: the real library, and a real server to tell."""

import signal
from typing import Any

import pytest
from support.command import PROBE, Command, Run, one_line, wait_until
from support.sink import sink

pytestmark = pytest.mark.timeout(180)
ALERTS = "{urls_file: urls, after: 2}"


def test_a_test_message_is_sent_to_every_address(probe: Command) -> None:
    name = probe.configure("id: a, url: 'tcp://192.0.2.1:1'", alerts=ALERTS)
    with sink() as server:
        (probe.folder / "urls").write_text(f"json://127.0.0.1:{server.port}\nnosuch://hunter2\n")
        done = probe("alerts", "test", "-c", name, within=150)
    assert done.code == 1
    assert done.out == (
        "address 1 (JSON): delivered\n"
        "address 2: not delivered: Apprise knows no such service, or the address lacks a part\n"
    )
    assert done.err == ""
    assert [got["title"] for got in server.got] == ["probe local: test"]


def test_what_cannot_be_sent_is_one_line(here: Run, probe: Command) -> None:
    name = probe.configure("id: a, url: 'tcp://192.0.2.1:1'")
    one_line(here("alerts", "test", "-c", name), 2, "names no addresses")
    name = probe.configure("id: a, url: 'tcp://192.0.2.1:1'", alerts=ALERTS)
    one_line(here("alerts", "test", "-c", name), 2, "urls: No such file")
    one_line(here("run", "-c", name, "--quiet"), 2, "urls: No such file")


def test_a_running_probe_tells_what_has_changed_and_a_hanging_service_delays_nothing(
    probe: Command, ports: Any
) -> None:
    name = probe.configure(
        f"id: bad, service: pigeon, feature: text, url: 'tcp://127.0.0.1:{ports.closed}'",
        schedule="{every: 1s}",
        alerts=ALERTS,
    )
    with sink() as server, sink(None) as hanging:
        urls = [f"json://127.0.0.1:{port}/hunter2" for port in (hanging.port, server.port)]
        (probe.folder / "urls").write_text("\n".join(urls))
        process = probe.start(*PROBE, "run", "-c", name)
        wait_until(lambda: server.came.is_set() and hanging.came.is_set(), within=120)
        before = len(probe.stored())
        wait_until(lambda: len(probe.stored()) > before + 1, within=60)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    (told,) = server.got
    assert told["title"] == "probe local: pigeon text: unreachable (tcp.refused)"
    assert "without a control nothing tells blocked from down" in told["message"]
    assert b"hunter2" not in err
    assert "hunter2" not in "".join(
        path.read_text() for path in probe.folder.glob("results/**/*.json*")
    )
