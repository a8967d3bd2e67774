"""A thousand clients over TLS, of whom some leave in the middle, and nobody reads its log."""

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.authority import ca_file
from support.command import PROJECT

from probe.cli.main import main
from probe.plan.question import MEASURE

_AT_ONCE = 100
_BODY = json.dumps({"targets": []}).encode()


@dataclass
class Control:
    """A helper in a process of its own; whoever reads its log comes later."""

    process: "subprocess.Popen[bytes]"
    port: int
    token: str
    trust: ssl.SSLContext

    async def ask(self, token: str, leave: str = "") -> bytes:
        """The status line of an answer; ``leave``: go away in the middle, as clients do."""
        if leave == "handshake":
            await asyncio.to_thread(self._half_a_handshake)
            return b"left"
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.trust, server_hostname="127.0.0.1"
        )
        try:
            head = f"POST {MEASURE} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
            writer.write(f"{head}Content-Length: {len(_BODY)}\r\n\r\n".encode())
            if leave == "body":
                writer.transport.abort()
                return b"left"
            writer.write(_BODY)
            return await asyncio.wait_for(reader.readline(), 200)
        finally:
            writer.close()

    def _half_a_handshake(self) -> None:
        outgoing = ssl.MemoryBIO()
        tls = self.trust.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        with socket.create_connection(("127.0.0.1", self.port), 200) as sock:
            sock.sendall(outgoing.read())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.fixture
def control(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Control]:
    assert main(["control", "--init", str(tmp_path / "c"), "--host", "127.0.0.1"]) == 0
    capsys.readouterr()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    path = tmp_path / "c" / "control.yaml"
    section = {
        "listen": f"127.0.0.1:{port}",
        "cert": "api.pem",
        "key": "api.key",
        "token_file": "token",
        "rate": 100_000,
    }
    path.write_text(json.dumps({"anchors": {"international": []}, "control": section}))
    process = subprocess.Popen(
        [sys.executable, "-m", "probe", "control", "-c", str(path)],
        stderr=subprocess.PIPE,
        cwd=PROJECT,
        env={**os.environ, "SSL_CERT_FILE": str(ca_file()), "PYTHONPATH": str(PROJECT)},
    )
    assert process.stderr is not None
    assert b"listening on" in process.stderr.readline()
    trust = ssl.create_default_context(cafile=str(tmp_path / "c" / "api.pem"))
    token = (tmp_path / "c" / "token").read_text().strip()
    yield Control(process, port, token, trust)
    process.kill()
    process.wait()
    process.stderr.close()


async def test_a_flood_leaves_it_answering_and_its_log_clean(control: Control) -> None:
    at_once = asyncio.Semaphore(_AT_ONCE)
    leaving = ("", "handshake", "body")

    async def one(number: int) -> bytes:
        token = control.token if number % 2 else "another-token-than-that"
        async with at_once:
            try:
                return await control.ask(token, leaving[number % 3])
            except (OSError, ssl.SSLError):
                return b"cut off"

    answers = await asyncio.gather(*(one(number) for number in range(1000)))
    told = {answer.split()[1] for answer in answers if answer.startswith(b"HTTP")}
    assert told <= {b"401", b"422", b"503"}
    assert b"401" in told
    assert (await control.ask("another-token-than-that")).split()[1] == b"401"
    assert (await control.ask(control.token)).split()[1] in {b"200", b"422"}
    control.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(control.process.wait, 30) == 0
    assert control.process.stderr is not None
    log = control.process.stderr.read()
    assert b"Traceback" not in log
    assert b"127.0.0.1" not in log.replace(b"listening on 127.0.0.1", b"")
