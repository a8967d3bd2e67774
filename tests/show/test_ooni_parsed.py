"""What is exported, read by OONI's own parser, which lives in an environment of its own.

``.venv-oonidata`` holds it, from hash-pinned requirements; without it these tests are skipped,
except in continuous integration, where they fail.
"""

import asyncio
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.command import PROJECT
from support.measured import measure_all

from probe.show import ooni

PYTHON = PROJECT / ".venv-oonidata" / "bin" / "python"
PARSER = PROJECT / "tests" / "oonidata" / "parse.py"

Parsed = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    if not PYTHON.exists():
        reason = f"{PYTHON.relative_to(PROJECT)} is not there: 'make test' sets it up"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    real = asyncio.run(measure_all(Path(tmp_path_factory.mktemp("measured"))))
    out = io.StringIO()
    ooni.write_jsonl(real.found.values(), out, real.read)
    command = [PYTHON, "-W", "ignore", PARSER]
    done = subprocess.run(
        command, input=out.getvalue(), capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(real.found, json.loads(done.stdout), strict=True))


def test_every_measurement_is_a_urlgetter_record_that_keeps_its_layers(parsed: Parsed) -> None:
    assert {one["class"] for one in parsed.values()} == {"UrlGetter"}
    assert {one["probe_cc"] for one in parsed.values()} == {"CN"}
    every = {"queries": 2, "tcp_connect": 1, "tls_handshakes": 1, "requests": 1}
    assert parsed["https"]["layers"].items() >= every.items()
    assert parsed["https"]["layers"]["network_events"] >= 5


def test_answers_of_names_survive(parsed: Parsed) -> None:
    assert "127.0.0.1" in parsed["dns"]["answers"]
    assert parsed["dns"]["resolved"] == [None]
    assert parsed["dns-none"]["resolved"] == ["connection_refused"]


def test_connections_survive(parsed: Parsed) -> None:
    for name, success in {"tcp": True, "tcp-refused": False, "tcp-silent": False}.items():
        ((ip, port, connected),) = parsed[name]["connected"]
        assert (ip, connected) == ("127.0.0.1", success), name
        assert parsed[name]["input"] == f"tcpconnect://127.0.0.1:{port}"


def test_handshakes_survive_with_their_certificates(parsed: Parsed) -> None:
    ((_, name, version, failure, certificates),) = parsed["tls"]["handshakes"]
    assert (name, version, failure, certificates) == ("localhost", "TLSv1.3", None, 1)
    ((_, _, _, failure, certificates),) = parsed["tls-expired"]["handshakes"]
    assert (failure, certificates) == ("ssl_invalid_certificate", 1)


def test_exchanges_survive_with_their_bodies(parsed: Parsed) -> None:
    ((url, code, body),) = parsed["https"]["responses"]
    assert url.startswith("https://localhost:")
    assert (code, body) == (404, "no such \ufffd page")
    assert [code for _, code, _ in parsed["http-redirect"]["responses"]] == [302, 302, 302]
    assert "bytes_received_cumulative" in parsed["http"]["operations"]
