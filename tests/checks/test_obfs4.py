"""probe.checks.obfs4: the bridge's proof, and a bridge line that shows nowhere."""

import base64

import pytest
from pydantic import SecretStr
from support.kits import CLOCK, run_check
from wire.obfs4_server import Bridge

from probe.checks import Imitable
from probe.checks.obfs4 import Obfs4Check
from probe.checks.secret import SecretError
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.target import parse_target, secrets_of

AT = Endpoint("192.0.2.8", 9001)
BRIDGE = Bridge()
CERT = base64.b64encode(BRIDGE.cert).decode().rstrip("=")


def run(**options):
    async def serve(peer):
        hello = await peer.receive()
        hour = BRIDGE.hour(hello, int(CLOCK.now().timestamp()) // 3600)
        if hour:
            answer = BRIDGE.answer(hello, hour)
            peer.send(answer[:100])
            peer.send(answer[100:] + b"frame")

    return run_check(Obfs4Check(host=AT.ip, port=AT.port, **options), FakeNetwork(tcp={AT: serve}))


def test_with_the_line_the_bridge_proves_itself_and_without_it_silence_says_nothing():
    step = run(cert=SecretStr(CERT)).only("obfs4_handshake")
    assert (step.failure, step.detail["authenticated"], step.detail["dated"]) == (None, True, True)
    step = run().only("obfs4_handshake")
    assert (step.failure, step.detail["keyed"]) == ("generic_timeout_error", True)
    other = base64.b64encode(Bridge().cert).decode()
    step = run(cert=SecretStr(other)).only("obfs4_handshake")
    assert (step.failure, "keyed" in step.detail) == ("generic_timeout_error", False)


def test_the_line_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "bridge"
    path.write_text(f"Bridge obfs4 {AT} 0123 cert={CERT} iat-mode=0\n")
    monkeypatch.setenv("LINE", path.read_text())
    for options in ({"bridge_file": str(path)}, {"bridge_env": "LINE"}):
        assert run(**options).only("obfs4_handshake").failure is None
    path.write_text("hunter2")
    with pytest.raises(SecretError, match="cert is 70 characters") as caught:
        Obfs4Check(host=AT.ip, port=AT.port, bridge_file=str(path)).require()
    assert "hunter2" not in str(caught.value)


def test_a_cert_in_a_url_makes_the_target_private_and_shows_nowhere():
    aim = parse_target(f"obfs4://{AT}?cert={CERT}&iat-mode=1")
    assert (secrets_of(aim.check), aim.check.iat_mode) == (("cert",), 1)
    assert aim.url == f"obfs4://{AT}?cert=***&iat-mode=1"
    (sending,) = aim.check.sends()
    assert CERT not in repr(aim) + sending.what
    with pytest.raises(ValueError, match="70 characters") as caught:
        parse_target(f"obfs4://{AT}?cert=hunter2")
    assert "hunter2" not in str(caught.value)


def test_its_first_packet_is_random():
    made = Obfs4Check(host=AT.ip, port=AT.port)
    assert isinstance(made, Imitable)
    assert made.first_packet() != made.first_packet()
    (stranger,) = made.sends()
    assert stranger.what.endswith("for a bridge that nobody has")
