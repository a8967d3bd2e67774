"""probe.checks.trojan: options, secrets, and what the plan says; its answers are in tests/vpn."""

import pytest
from support.kits import run_check

from probe.checks.secret import SecretError
from probe.checks.trojan import TrojanCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.target import parse_target, secrets_of

AT = Endpoint("192.0.2.8", 443)
SECRET = "hunter2"


def test_a_password_in_a_url_makes_the_target_private_and_shows_nowhere():
    aim = parse_target(f"trojan://{SECRET}@vpn.example?to=shop.example:8443&sni=front.example")
    assert (aim.check.port, secrets_of(aim.check)) == (443, ("password",))
    assert aim.url == "trojan://vpn.example?to=shop.example:8443&sni=front.example"
    (sending,) = aim.check.sends()
    assert "front.example in clear" in sending.what
    assert "shop.example:8443" in sending.what
    assert SECRET not in repr(aim) + sending.what


def test_without_a_password_a_handshake_is_all_that_is_planned():
    (sending,) = TrojanCheck(host="vpn.example", port=443).sends()
    assert sending.what == "TLS handshake, server name vpn.example in clear"
    assert secrets_of(TrojanCheck(host="vpn.example", port=443)) == ()


def test_mistakes_are_told_at_once(monkeypatch):
    with pytest.raises(ValueError, match="no host and port"):
        parse_target(f"trojan://{SECRET}@vpn.example?to=shop.example")
    with pytest.raises(ValueError, match="takes only password@"):
        parse_target(f"trojan://me:{SECRET}@vpn.example")
    monkeypatch.delenv("WORD", raising=False)
    with pytest.raises(SecretError, match="no WORD"):
        TrojanCheck(host="vpn.example", port=443, password_env="WORD").require()


def test_a_server_that_is_no_tls_server_gets_no_password():
    asked = []

    async def serve(peer):
        asked.append(await peer.receive())
        peer.send(b"SSH-2.0-server\r\n" + bytes(50))
        asked.append(await peer.receive())

    check = parse_target(f"trojan://{SECRET}@{AT}").check
    done = run_check(check, FakeNetwork(tcp={AT: serve}))
    assert done.ops() == [("connect", 1, None), ("tls_handshake", 1, "ssl_failed_handshake")]
    assert check.password.get_secret_value() == SECRET
    assert asked[0].startswith(b"\x16\x03")
