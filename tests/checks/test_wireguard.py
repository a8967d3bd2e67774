"""probe.checks.wireguard: a handshake with a key, silence without, and keys that show nowhere."""

import base64
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import SecretStr
from support.kits import run_check
from wire.wg_responder import Responder

from probe.checks import Imitable
from probe.checks.secret import SecretError
from probe.checks.wireguard import WireguardCheck, decode_key
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.target import OptionError, parse_target, secrets_of
from probe.wire.wireguard import public_of

AT = Endpoint("192.0.2.6", 51820)
OURS = bytes(range(32))
RESPONDER = Responder(
    public_of(X25519PrivateKey.from_private_bytes(OURS)),
    private=X25519PrivateKey.from_private_bytes(b"\x03" * 32),
)
KNOWN = SecretStr(base64.b64encode(OURS).decode())
SERVER = base64.b64encode(RESPONDER.public).decode()
WHERE = {"host": AT.ip, "port": AT.port, "public_key": SERVER}


def run(serve, **options):
    check = WireguardCheck(**{**WHERE, "private_key": KNOWN, **options})
    return run_check(check, FakeNetwork(udp={AT: serve}))


def server(responder=None, busy=False):
    """A server; a busy one wants a cookie before it answers."""
    responder = responder or Responder(RESPONDER.peer, private=RESPONDER.private)

    async def serve(peer):
        while data := await peer.receive():
            if busy and data[132:] == bytes(16):
                peer.send(responder.cookie(data))
            elif answer := responder.response(data):
                peer.send(answer)

    return serve


def test_with_the_key_of_a_peer_it_answers():
    step = run(server()).only("wireguard_initiation")
    assert (step.failure, step.detail["answer"], step.detail["bytes"]) == (None, "response", 92)
    assert "psk" not in step.detail
    assert "keyed" not in step.detail


def test_another_pre_shared_key_is_told_and_is_an_answer_all_the_same():
    other = Responder(RESPONDER.peer, private=RESPONDER.private, psk=b"\7" * 32)
    step = run(server(other)).only("wireguard_initiation")
    assert (step.failure, step.detail["psk"]) == (None, "mismatch")


def test_without_a_key_silence_is_marked_as_saying_nothing():
    step = run(server(), private_key=None).only("wireguard_initiation")
    assert (step.failure, step.detail["keyed"]) == ("generic_timeout_error", True)
    assert step.detail["packets"] == 3


def test_a_busy_server_is_asked_again_with_its_cookie():
    done = run(server(busy=True))
    assert done.ops() == [("wireguard_initiation", 1, None), ("wireguard_cookie", 2, None)]
    assert done.only("wireguard_initiation").detail["answer"] == "cookie"
    assert done.only("wireguard_cookie").detail["answer"] == "response"


def test_an_answer_that_only_knows_our_index_is_forged():
    async def forging(peer):
        data = await peer.receive()
        peer.send(b"\2\0\0\0" + bytes(4) + data[4:8] + os.urandom(80))

    (step,) = run(forging).steps
    assert step.failure == "unknown_failure: malformed wireguard reply"


def test_a_key_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "key"
    path.write_text(f"{KNOWN.get_secret_value()}\n")
    monkeypatch.setenv("PEER", KNOWN.get_secret_value())
    for options in ({"private_key_file": str(path)}, {"private_key_env": "PEER"}):
        done = run(server(), private_key=None, **options)
        assert done.only("wireguard_initiation").failure is None


def test_what_is_no_key_is_told_before_anything_is_sent_and_not_shown(tmp_path):
    path = tmp_path / "key"
    path.write_text("c2VjcmV0")
    check = WireguardCheck(**WHERE, private_key_file=str(path))
    with pytest.raises(SecretError, match="a key is 32 bytes in base64") as caught:
        check.require()
    assert "c2VjcmV0" not in str(caught.value)
    assert caught.value.key == ("private_key_file",)
    with pytest.raises(OptionError, match="32 bytes in base64"):
        parse_target("wireguard://vpn.example?public_key=abc")
    with pytest.raises(ValueError, match="field required"):
        parse_target("wireguard://vpn.example")


def test_a_key_shows_nowhere_and_makes_the_target_private():
    aim = parse_target(f"wireguard://vpn.example?public_key={SERVER}&private_key_env=PEER")
    assert secrets_of(aim.check) == ("private_key_env",)
    assert secrets_of(WireguardCheck(**WHERE, private_key=KNOWN)) == ("private_key",)
    assert KNOWN.get_secret_value() not in repr(WireguardCheck(**WHERE, private_key=KNOWN))


@pytest.mark.parametrize("text", ["", "AAAA", SERVER[:-1], SERVER + "AAAA", "ü" * 44])
def test_a_key_has_one_form(text):
    with pytest.raises(ValueError, match="32 bytes in base64"):
        decode_key(text)


def test_a_plus_sign_in_a_url_is_one():
    key = base64.b64encode(b"\xfb\xef" * 16).decode()
    assert "+" in key
    assert parse_target(f"wireguard://vpn.example?public_key={key}").check.public_key == key


def test_its_first_packet_can_be_shown_to_anybody():
    check = WireguardCheck(**WHERE, private_key=KNOWN)
    assert isinstance(check, Imitable)
    packets = {check.first_packet().payload for _ in range(3)}
    assert len(packets) == 3
    for payload in packets:
        assert (len(payload), payload[:4], payload[132:]) == (148, b"\1\0\0\0", bytes(16))


def test_the_plan_says_what_is_sent():
    (known,) = WireguardCheck(**WHERE, private_key=KNOWN).sends()
    (stranger,) = WireguardCheck(**WHERE).sends()
    assert known.what == "WireGuard handshake initiation"
    assert stranger.what.endswith("from a key that nobody knows")
