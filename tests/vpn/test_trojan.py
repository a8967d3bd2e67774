"""The Trojan check against trojan, with nginx as the web server that it hides behind."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from loopback.servers import Certificates, Loopback
from support.programs import HERE, free_ports, listens, program, running
from support.relay import nothing, tcp_answering, tcp_relay
from vpn.outcome import Probe

from probe.checks.kit import Timeouts
from probe.core.model import Step

pytestmark = pytest.mark.vpn
SHORT = Timeouts(first_byte=1.0, tls=2.0)  # where silence is what is due
WORD = "of the tests"
OUTER, INNER = "tls_handshake", "trojan_relay"
NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen {here}:{port}; return 200 "a quiet page\\n"; }}
}}
"""


@contextmanager
def trojan(tmp_path: Path, certificates: Certificates) -> Iterator[int]:
    port, web = free_ports(2)
    chain = certificates.chain_file("vpn.example")
    settings = {
        "run_type": "server",
        "local_addr": HERE,
        "local_port": port,
        "remote_addr": HERE,
        "remote_port": web,
        "password": [WORD],
        "log_level": 1,
        "ssl": {"cert": chain, "key": chain, "alpn": ["http/1.1"]},
        "tcp": {"prefer_ipv4": True},
    }
    (tmp_path / "trojan.json").write_text(json.dumps(settings))
    (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, here=HERE, port=web))
    nginx = [program("nginx", "nginx-light"), "-e", "stderr", "-p", str(tmp_path)]
    nginx += ["-c", str(tmp_path / "nginx.conf")]
    command = [program("trojan"), "-c", str(tmp_path / "trojan.json")]
    with (
        running(nginx, tmp_path / "nginx.log", listens(web)),
        running(command, tmp_path / "trojan.log", listens(port)),
    ):
        yield port


class Asking:
    """Asks a server on this port, and gives the last step."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self._folder = folder
        self._probe = Probe(folder / "objects", certificates.ca_file)

    async def __call__(
        self, port: int, *, word: str | None = WORD, silent: bool = False, **options: Any
    ) -> Step:
        if word is not None:
            (self._folder / "word").write_text(word)
            options["password_file"] = str(self._folder / "word")
        more: Any = {"timeouts": SHORT} if silent else {}
        at = f"trojan://{HERE}:{port}"
        measurement = await self._probe(at, {"sni": "vpn.example", **options}, **more)
        assert measurement.invalid is None
        assert WORD not in str(measurement)
        return measurement.steps[-1]


@pytest.fixture
def asked(tmp_path: Path, certificates: Certificates) -> Asking:
    return Asking(tmp_path, certificates)


async def test_with_the_password_it_carries_us_to_the_certificate_behind_it(
    tmp_path: Path, certificates: Certificates, asked: Asking
) -> None:
    async with Loopback(certificates) as behind:
        place = f"localhost:{behind.listen_tls(name='localhost')}"
        other = f"localhost:{behind.listen_tls(name='other.example')}"
        plain = f"localhost:{behind.listen(lambda peer: peer.send(b'SSH-2.0-x' + bytes(90)))}"
        closed = f"localhost:{behind.closed()}"
        with trojan(tmp_path, certificates) as port:
            step = await asked(port, to=place)
            assert (step.op, step.failure) == (INNER, None)
            assert (step.detail["authenticated"], step.detail["tls_version"]) == (True, "TLSv1.3")
            # Who shows another's certificate, or none, may be anybody.
            assert (await asked(port, to=other)).failure == "ssl_invalid_hostname"
            assert (await asked(port, to=plain)).failure == "ssl_failed_handshake"
            step = await asked(port, to=closed)
            assert (step.op, step.failure, step.detail["bytes"]) == (INNER, "eof_error", 0)


async def test_with_a_wrong_password_the_web_server_answers(
    tmp_path: Path, certificates: Certificates, asked: Asking
) -> None:
    async with Loopback(certificates) as behind:
        place = f"localhost:{behind.listen_tls(name='localhost')}"
        with trojan(tmp_path, certificates) as port:
            step = await asked(port, to=place, word="another")
    assert (step.op, step.failure) == (INNER, "unknown_failure: refused by the proxy")
    assert (step.detail["status"], step.detail["authenticated"]) == ("400", False)


async def test_without_a_password_only_the_web_server_s_tls_is_seen(
    tmp_path: Path, certificates: Certificates, asked: Asking
) -> None:
    with trojan(tmp_path, certificates) as port:
        step = await asked(port, word=None)
        assert (step.op, step.failure) == (OUTER, None)
        step = await asked(port, word=None, sni="another.example")
        assert (step.op, step.failure) == (OUTER, "ssl_invalid_hostname")
    step = await asked(port)  # it is stopped
    assert (step.op, step.failure) == ("connect", "connection_refused")


async def test_garbage_is_no_answer(certificates: Certificates, asked: Asking) -> None:
    async with tcp_answering(lambda _: b"\0garbage" * 20) as port:
        step = await asked(port)
        assert (step.op, step.failure) == (OUTER, "ssl_failed_handshake")

    async def rubbish(peer: Any) -> None:
        await peer.receive()
        await peer.send(b"\0garbage" * 20)
        await peer.finish()

    async with Loopback(certificates) as servers:
        step = await asked(servers.listen_tls(rubbish, name="vpn.example"))
    assert (step.op, step.failure) == (INNER, "ssl_failed_handshake")


async def test_what_is_lost_on_the_way_is_silence(
    tmp_path: Path, certificates: Certificates, asked: Asking
) -> None:
    async with Loopback(certificates) as behind:
        there = behind.listen_tls(name="localhost")
        with trojan(tmp_path, certificates) as port:
            async with tcp_relay(port) as way:
                assert (await asked(way, to=f"localhost:{there}")).failure is None
            async with tcp_relay(port, back=nothing) as way:
                step = await asked(way, to=f"localhost:{there}", silent=True)
                assert (step.op, step.failure) == (OUTER, "generic_timeout_error")
            async with tcp_relay(there, back=nothing) as way:
                step = await asked(port, to=f"localhost:{way}", silent=True)
                assert (step.op, step.failure) == (INNER, "generic_timeout_error")
