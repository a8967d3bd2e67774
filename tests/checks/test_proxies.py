"""probe.checks.socks5 and httpconnect: what is asked for, and what is kept back."""

import pytest
from support.kits import run_check

from probe.checks.httpconnect import HttpConnectCheck
from probe.checks.secret import SecretError
from probe.checks.socks5 import Socks5Check
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.target import parse_target, secrets_of

AT = Endpoint("192.0.2.9", 1080)
SECRET = "hunter2"
NO = "unknown_failure: refused by the proxy"


def run(check, *answers):
    """Against a proxy that gives these answers one after the other."""
    asked = []

    async def serve(peer):
        for answer in answers:
            asked.append(await peer.receive())
            peer.send(answer)

    return run_check(check, FakeNetwork(tcp={AT: serve})), asked


def socks(**options):
    return Socks5Check(host=AT.ip, port=AT.port, **options)


def tunnel(**options):
    return HttpConnectCheck(host=AT.ip, port=AT.port, **options)


def test_a_request_follows_the_greeting_and_is_answered_with_an_address_of_any_kind():
    for address in (b"\1\x7f\0\0\1\0\1", b"\3\x04name\0\1", b"\4" + bytes(18)):
        done, asked = run(socks(to="shop.example:443"), b"\5\0", b"\5\0\0" + address)
        assert [op for op, _, _ in done.ops()] == ["connect", "socks5_greeting", "socks5_request"]
        assert {failure for _, _, failure in done.ops()} == {None}
        assert asked == [b"\5\1\0", b"\5\1\0\3\x0cshop.example\1\xbb"]
        assert done.only("socks5_request").detail["reply"] == "succeeded"


def test_a_user_is_told_only_to_a_proxy_that_asks_for_one(monkeypatch):
    monkeypatch.setenv("WORD", SECRET)
    check = socks(to="a.example:1", username="me", password_env="WORD")
    done, asked = run(check, b"\5\2", b"\1\0", b"\5\0\0\1" + bytes(6))
    assert asked[:2] == [b"\5\2\0\2", b"\1\2me\7hunter2"]
    assert SECRET not in str(done.steps)
    _, asked = run(check, b"\5\0", b"\5\0\0\1" + bytes(6))
    assert SECRET.encode() not in b"".join(asked)


@pytest.mark.parametrize(
    ("answers", "ends"),
    [
        ([b"\5\xff"], ("socks5_login", NO)),
        ([b"\5\0", b"\5\2\0\1" + bytes(6)], ("socks5_request", NO)),
        ([b"\4\0"], ("socks5_greeting", "unknown_failure: malformed socks5 reply")),
        ([b"\5\0", b""], ("socks5_request", "eof_error")),
    ],
)
def test_a_refusal_is_the_proxys_own(answers, ends):
    done, _ = run(socks(to="a.example:1"), *answers)
    assert (done.steps[-1].op, done.steps[-1].failure) == ends


def test_a_tunnel_is_asked_for_in_clear_and_credentials_go_along():
    check = parse_target(f"httpconnect://me:{SECRET}@{AT}?to=shop.example:443").check
    done, asked = run(check, b"HTTP/1.1 200 Connection established\r\n\r\n")
    assert [op for op, _, _ in done.ops()] == ["connect", "http_request", "http_response", "expect"]
    assert asked[0].startswith(b"CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n")
    assert b"Proxy-Authorization: Basic bWU6aHVudGVyMg==\r\n" in asked[0]
    assert SECRET not in str(done.steps)
    assert "bWU6" not in str(done.steps)
    assert done.only("http_request").detail["login"] is True
    plain, _ = run(tunnel(), b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n")
    assert plain.only("http_request").detail["login"] is False


@pytest.mark.parametrize(("status", "failure"), [(407, None), (403, NO), (502, NO), (204, None)])
def test_which_statuses_are_the_answer(status, failure):
    done, _ = run(tunnel(), b"HTTP/1.1 %d Word\r\nContent-Length: 0\r\n\r\n" % status)
    assert done.only("expect").failure == failure


def test_a_password_that_is_refused_is_a_refusal():
    check = parse_target(f"httpconnect://me:{SECRET}@{AT}").check
    done, _ = run(check, b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n")
    assert done.only("expect").failure == NO


@pytest.mark.parametrize("kind", [socks, tunnel])
def test_a_user_name_without_a_password_and_a_place_that_is_none_are_told_at_once(kind):
    with pytest.raises(SecretError, match="needs its password"):
        kind(username="me").require()
    with pytest.raises(ValueError, match="no host and port"):
        kind(to="shop.example")
    with pytest.raises(ValueError, match="no host and port"):
        parse_target(f"{kind().name}://{AT}?to=https://shop.example")


@pytest.mark.parametrize("scheme", ["socks5", "httpconnect"])
def test_a_password_makes_the_target_private_and_shows_nowhere(scheme):
    aim = parse_target(f"{scheme}://me:{SECRET}@{AT}")
    assert secrets_of(aim.check) == ("password",)
    assert SECRET not in repr(aim) + aim.url
    (sending,) = aim.check.sends()
    assert "user name and password" in sending.what
    assert SECRET not in sending.what
