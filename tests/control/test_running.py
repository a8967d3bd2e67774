"""The whole helper as an operator starts it and a probe uses it, on loopback."""

import asyncio
import json
import re
import resource
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from support.authority import ca_file
from support.command import PROBE, PROJECT, Command, Run, one_line
from support.plans import planned, tools

from probe.cli.main import main
from probe.control.running import Running, running
from probe.core.model import Measurement
from probe.core.strictyaml import ConfigError
from probe.measure.controls import Controls
from probe.net.clocks import RealClock
from probe.net.fake import FakeNetwork
from probe.plan.controls import ControlPlace
from probe.plan.helper import HelperFile
from probe.plan.question import MEASURE

TOKEN = "a-token-of-sixteen"


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Run]:
    command = Command(tmp_path, ca_file())
    yield command
    command.close()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def written(folder: Path, **control: Any) -> Path:
    """A configuration with this section ``control``; plain HTTP unless it names a certificate."""
    section = {"listen": f"127.0.0.1:{free_port()}", "token_file": "token", **control}
    section = {key: value for key, value in section.items() if value is not None}
    (folder / "token").write_text(TOKEN)
    path = folder / "control.yaml"
    path.write_text(json.dumps({"anchors": {"international": []}, "control": section}, indent=1))
    return path


@asynccontextmanager
async def helping(path: Path, **more: Any) -> AsyncIterator[Running]:
    async with running(HelperFile(path), **more) as where:
        yield where


async def test_what_init_writes_works_with_a_probe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new"
    assert main(["control", "--init", str(folder), "--host", "127.0.0.1"]) == 0
    told = capsys.readouterr().out
    assert (
        'controls: [{url: "https://127.0.0.1:8443", token_file: token, ca_file: api.pem}]' in told
    )
    assert [(folder / name).stat().st_mode & 0o777 for name in ("token", "api.key")] == [0o600] * 2
    token = (folder / "token").read_text().strip()
    assert len(token) >= 40
    assert token not in told

    config = folder / "control.yaml"
    text = config.read_text()
    for port in (":8443", ":443", ":7007"):
        text = text.replace(f'0.0.0.0{port}"', f'127.0.0.1:{free_port()}"')
    config.write_text(f"anchors: {{international: []}}\n{text}")
    recorded: list[Measurement] = []
    async with helping(config, allow_private=True) as where:
        place = ControlPlace(
            id="berlin",
            url=f"https://{where.api}",
            token_file=f"{folder}/token",
            ca_file=f"{folder}/api.pem",
        )
        instruments = tools(FakeNetwork(), clock=RealClock())
        controls = Controls([place], instruments, recorded.append)
        (job,) = planned(f"tcp://control.example:{where.api.port}").jobs
        pinned = await controls.ask(replace(job, local=False), ["127.0.0.1"], "c-1")
        ((name, session),) = await controls.session()
        await controls.aclose()
        assert (name, session.decoys, session.echo) == ("berlin", where.decoys, where.echo)
        for token, status in ((session.bytes_token, 200), ("wrong", 403)):
            url = f"http://{session.decoys[0]}/bytes/5000?token={token}"
            answer = await asyncio.to_thread(httpx.get, url, trust_env=False)
            assert answer.status_code == status
        assert len(answer.content) < 5000
    # Asked about a loopback address, a probe keeps it to itself: the control looked up the name.
    assert (pinned[0].origin, pinned[0].invalid) == ("berlin", None)
    assert pinned[0].steps[0].op == "resolve"
    assert recorded == [pinned[0]]


def test_init_changes_nothing_that_is_there(tmp_path: Path) -> None:
    assert main(["control", "--init", str(tmp_path), "--host", "control.example"]) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["control", "--init", str(tmp_path), "--host", "control.example"]) == 2
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def client_files(path: Path) -> None:
    """A client's certificate, which is its own authority, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)


async def test_with_mutual_tls_only_clients_of_the_authority_are_known(tmp_path: Path) -> None:
    assert main(["control", "--init", str(tmp_path / "s"), "--host", "localhost"]) == 0
    for name in ("c", "x"):
        client_files(tmp_path / f"{name}.pem")
    section = {"cert": "s/api.pem", "key": "s/api.key", "client_ca": "c.pem"}
    for token in (None, "token"):
        path = written(tmp_path, **section, token_file=token)
        async with helping(path) as where:
            shown = {}
            for who in ("c", "x", None):
                tls = ssl.create_default_context(cafile=f"{tmp_path}/s/api.pem")
                if who:
                    tls.load_cert_chain(tmp_path / f"{who}.pem")
                async with httpx.AsyncClient(verify=tls, trust_env=False) as client:
                    url = f"https://localhost:{where.api.port}/v1/health"
                    try:
                        shown[who] = (await client.get(url)).status_code
                    except httpx.TransportError:
                        shown[who] = 0
        assert shown == {"c": 401 if token else 200, "x": 0, None: 0}


OVER_TLS = {"cert": "api.pem", "key": "api.key"}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"listen": "0.0.0.0:8443"}, "listen: give cert and key"),
        ({"listen": "198.51.100.1:8443"}, "listen: give cert and key"),
        ({"listen": "localhost"}, "listen: 'localhost' is no address and port"),
        ({"listen": "127.0.0.1:0"}, "listen: '127.0.0.1:0' is no address and port"),
        ({"decoy": "127.0.0.1:8443"}, "decoy: shares its address and port with the API"),
        ({"decoy": ["127.0.0.1:1", "0.0.0.0:8443"]}, "decoy[1]: shares its address and port"),
        ({"decoy": "[::]:8443"}, "decoy: shares its address and port with the API"),
        ({"decoy": ["127.0.0.1:1", "127.0.0.1:1"]}, "decoy[1]: shares its address and port"),
        ({"echo": "127.0.0.1:8443"}, "echo: shares its address and port with the API"),
        ({"echo": "127.0.0.1:1", "decoy": "127.0.0.1:1"}, "echo: shares its address and port"),
        ({"token_file": None}, "say by what it knows clients"),
        ({"token_env": "NOT_SET_ANYWHERE", "token_file": None}, "token_env: the variable"),
        ({"token_env": "SOME"}, "token_file: give token_env or token_file, not both"),
        ({"token_file": "missing"}, "token_file: missing: No such file"),
        ({"token_file": "short"}, "token_file: the token has fewer than 16 characters"),
        ({"token_file": "empty"}, "token_file: it holds no token"),
        ({"cert": "api.pem"}, "cert: is of no use without key"),
        ({"client_ca": "api.pem"}, "client_ca: is of no use without cert"),
        ({**OVER_TLS, "cert": "missing"}, "cert: "),
        ({**OVER_TLS, "key": "short"}, "a certificate and its key"),
        ({**OVER_TLS, "client_ca": "short"}, "client_ca: "),
        ({"public": "host.example"}, "public: 'host.example' is no IP address"),
        ({"public": "0.0.0.0"}, "public: '0.0.0.0' is no IP address"),
        ({"rate": 0}, "rate: "),
        ({"parallel": "8"}, "parallel: "),
        ({"decoys": "127.0.0.1:1"}, "decoys: unknown key; did you mean 'decoy'?"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_its_place(
    tmp_path: Path, section: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "cert" in section:
        assert main(["control", "--init", str(tmp_path), "--host", "localhost"]) == 0
        capsys.readouterr()
    (tmp_path / "short").write_text("secret-word")
    (tmp_path / "empty").write_text("")
    given = {"listen": "127.0.0.1:8443", **section}
    path = written(tmp_path, **given)
    assert main(["control", "-c", str(path)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1, told
    place, _, rest = told.removeprefix(f"probe: {path}:").partition(": control")
    assert said in rest
    key = re.split(r"[:\[]", said)[0]
    line = path.read_text().splitlines()[int(place) - 1]
    assert key not in section or f'"{key}"' in line or "[" in said
    assert "secret-word" not in told


def test_a_port_that_is_taken_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        for key in ("listen", "decoy", "echo"):
            assert main(["control", "-c", str(written(tmp_path, **{key: at}))]) == 2
            told = capsys.readouterr().err
            assert f": control.{key}: " in told
            assert "address already in use" in told
            assert told.count("\n") == 1


def test_without_its_packages_the_command_says_what_to_install(tmp_path: Path, probe: Run) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ImportError")
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text(
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'uvicorn' else find(name, *rest)\n"
    )
    path = f"{tmp_path}:{PROJECT}"
    done = probe("control", "-c", str(written(tmp_path)), env={"PYTHONPATH": path})
    one_line(done, 2, "pip install 'probe[server]'")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_says_when_it_listens_and_ends_cleanly_under_load(
    tmp_path: Path, probe: Command, number: signal.Signals, code: int
) -> None:
    path = written(tmp_path, decoy=f"127.0.0.1:{free_port()}", echo=f"127.0.0.1:{free_port()}")
    process = probe.start(*PROBE, "control", "-c", path)
    assert process.stderr is not None
    line = json.loads(process.stderr.readline())
    listen = json.loads(path.read_text())["control"]["listen"]
    assert (line["level"], line["logger"]) == ("info", "probe.control")
    assert line["message"].startswith(f"listening on {listen}; decoy on 127.0.0.1:")
    ip, _, port = listen.partition(":")
    held = [socket.create_connection((ip, int(port))) for _ in range(3)]
    held[0].sendall(b"POST /v1/measure HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n")
    head = f"POST {MEASURE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    held[1].sendall(f"{head}Content-Length: 9\r\n\r\n".encode())
    process.send_signal(number)
    assert process.wait(30) == code  # whoever holds a connection could have kept it for a minute
    assert process.stderr.read() == b""
    for sock in held:
        sock.close()


async def test_the_limit_of_open_files_is_raised_to_what_clients_may_take(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        async with helping(written(tmp_path)):
            assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_after_a_start_that_failed_nothing_listens_any_more(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        decoy = f"127.0.0.1:{free_port()}"
        path = written(tmp_path, decoy=decoy, listen=f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ConfigError):
            async with helping(path):
                pass
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(decoy.partition(":")[2]))
