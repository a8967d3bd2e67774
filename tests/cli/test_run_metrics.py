"""probe run with metrics: what a scraper finds beside a probe that runs, and after it has ended."""

import json
import signal
import socket
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

import pytest
from support.command import PROBE, Command, one_line, wait_until
from support.seen import labels, samples

OPENER = build_opener(ProxyHandler({}))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def asked(port: int, path: str) -> str:
    """The answer; empty where nobody answers, or not yet."""
    try:
        with OPENER.open(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
            return text
    except (HTTPError, URLError, OSError):
        return ""


def test_a_running_probe_is_scraped_and_is_well(probe: Command, ports: Any) -> None:
    port = free_port()
    name = probe.configure(
        f"id: good, service: pigeon, feature: text, url: 'tcp://127.0.0.1:{ports.tcp}'",
        f"url: 'tcp://127.0.0.1:{ports.closed}', private: true",
        schedule="{every: 1s}",
        metrics=f"{{listen: '127.0.0.1:{port}'}}",
    )
    process = probe.start(*PROBE, "run", "-c", name)
    outcome = "probe_verdicts_total"
    wait_until(lambda: len(samples(asked(port, "/metrics")).get(outcome, ())) == 2, within=20)
    page = asked(port, "/metrics")
    found = samples(page)
    good = {"target": "good", "service": "pigeon", "feature": "text"}
    hidden = {"target": "private-1", "service": "private-1", "feature": "tcp"}
    assert found["probe_success"] == {labels(**good): 1, labels(**hidden): 0}
    assert found["probe_failures_total"].keys() == {labels(**hidden, failure="connection_refused")}
    assert str(ports.closed) not in page
    assert json.loads(asked(port, "/healthz"))["status"] == "ok"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert asked(port, "/livez") == ""


def test_a_port_that_is_taken_is_one_line_and_nothing_is_measured(
    probe: Command, ports: Any
) -> None:
    name = probe.configure(
        f"id: good, url: 'tcp://127.0.0.1:{ports.tcp}'",
        metrics=f"{{listen: '127.0.0.1:{ports.http}'}}",
    )
    done = probe("run", "-c", name, "--quiet")
    one_line(done, 2, f"metrics: cannot listen on 127.0.0.1:{ports.http}: ")
    assert probe.stored() == []


@pytest.mark.parametrize("listen", ["9469", "localhost:9469", "127.0.0.1:0", "127.0.0.1:99999"])
def test_a_place_that_is_none_is_told(here: Any, probe: Command, listen: str) -> None:
    name = probe.configure("url: 'tcp://192.0.2.1:1'", metrics=f"{{listen: '{listen}'}}")
    one_line(here("run", "-c", name), 2, "metrics.listen", "write 127.0.0.1:9469")


def test_nothing_listens_by_default(probe: Command, ports: Any) -> None:
    name = probe.configure(f"id: good, url: 'tcp://127.0.0.1:{ports.tcp}'")
    code = (
        "import socket, sys\n"
        "from probe.cli.main import main\n"
        "socket.socket.listen = lambda *_: sys.exit('it listens')\n"
        f"code = main(['run', '-c', {name!r}, '--for', '200ms'])\n"
        "assert not {m for m in sys.modules if m.startswith(('prometheus_client', 'apprise'))}\n"
        "sys.exit(code)\n"
    )
    assert probe.run(PROBE[0], "-c", code).code == 0
