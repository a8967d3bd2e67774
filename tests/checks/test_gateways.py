"""probe.checks.gateway and what stands on it: TLS first, then a gateway's own words."""

import hashlib

import pytest
from support.authority import serving
from support.kits import run_check
from support.servers import page, tls
from wire.softether_packs import GREETING, number, pack

from probe.checks.anyconnect import AnyConnectCheck
from probe.checks.softether import SoftEtherCheck
from probe.checks.sstp import SstpCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.target import OptionError, parse_target

NAME = "vpn.example"
AT = Endpoint("192.0.2.7", 443)
FORM = (
    b'<config-auth client="vpn" type="auth-request">'
    b'<auth><form action="/auth"/></auth></config-auth>'
)


def run(check, serve):
    return run_check(check, FakeNetwork(tcp={AT: serve}))


def anyconnect(**options):
    return AnyConnectCheck(host=AT.ip, port=AT.port, **{"sni": NAME, **options})


def ended(done):
    return done.steps[-1].op, done.steps[-1].failure


def test_a_gateways_form_is_the_answer():
    done = run(anyconnect(), tls(serving(NAME), page(FORM)))
    assert [op for op, _, _ in done.ops()] == [
        "connect", "tls_handshake", "http_request", "http_response", "transfer", "expect",
    ]  # fmt: skip
    assert {failure for _, _, failure in done.ops()} == {None}
    assert done.only("expect").detail == {
        "wants": "auth-request", "version": "", "form": "/auth", "client_certificate": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (page(b"<html></html>"), "unknown_failure: malformed anyconnect reply"),
        (page(b"", "404 Not found"), "http_unexpected_status_code"),
        (page(b"", "302 Found", "Location: https://other.example/"), "http_unexpected_status_code"),
    ],
)
def test_another_web_server_is_no_gateway(answer, failure):
    assert ended(run(anyconnect(), tls(serving(NAME), answer))) == ("expect", failure)


@pytest.mark.parametrize("kind", ["self_signed", "wrong_name", "expired"])
def test_a_certificate_that_nobody_vouches_for_is_recorded_and_ends_it(kind):
    done = run(anyconnect(), tls(serving(NAME, kind), page(FORM)))
    assert ended(done)[0] == "tls_handshake"
    assert ended(done)[1] is not None
    (sha256, *_) = done.only("tls_handshake").detail["peer_certificates"]
    assert done.kit.keep[sha256]


def test_it_may_be_pinned_or_not_be_looked_at():
    context = serving(NAME, "self_signed")
    done = run(anyconnect(verify=False), tls(context, page(FORM)))
    assert ended(done) == ("expect", None)
    assert done.only("tls_handshake").detail["verify"] is False
    (sha256,) = done.only("tls_handshake").detail["peer_certificates"]
    assert hashlib.sha256(done.kit.keep[sha256]).hexdigest() == sha256
    done = run(anyconnect(pin=sha256), tls(context, page(FORM)))
    assert ended(done) == ("expect", None)
    done = run(anyconnect(pin="0" * 64), tls(context, page(FORM)))
    assert ended(done) == ("tls_handshake", "ssl_unknown_authority")


def test_a_groups_login_has_a_path_of_its_own():
    done = run(anyconnect(group="staff"), tls(serving(NAME), page(FORM)))
    assert done.only("http_request").detail["path"] == "/staff"
    with pytest.raises(OptionError, match="should match pattern"):
        parse_target(f"anyconnect://{NAME}?group=a/b")


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("anyconnect://vpn.example", "vpn.example"),
        ("anyconnect://vpn.example:8443", "vpn.example:8443"),
        ("anyconnect://[2001:db8::1]:8443", "[2001:db8::1]:8443"),
    ],
)
def test_the_host_is_named_as_in_a_url(url, authority):
    assert parse_target(url).check.authority == authority


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("anyconnect://vpn.example?sni=front.example",
         "the beginning of an AnyConnect login inside TLS, server name front.example in clear"),
        ("softether://vpn.example",
         "the beginning of a SoftEther connection inside TLS, server name vpn.example in clear"),
        ("sstp://vpn.example", "an SSTP call inside TLS, server name vpn.example in clear"),
    ],
)  # fmt: skip
def test_the_plan_says_what_is_seen(url, what):
    assert [(s.transport, s.what) for s in parse_target(url).check.sends()] == [("tcp", what)]


OPENED = b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"
ACK = bytes.fromhex("10010030 00020001 00040028 00000003") + bytes(32)
NAK = bytes.fromhex("10010014 00030001 0002000c 00000001 00000004")
PPP = bytes.fromhex("10000008 c0210101")  # the tunnel's data
WHOLE = ["connect", "tls_handshake", "http_request", "http_response", "sstp_connect"]


def sstp(answer, **more):
    return run(SstpCheck(host=AT.ip, port=AT.port, sni=NAME), tls(serving(NAME), answer, **more))


@pytest.mark.parametrize("more", [{}, {"size": 7}])
def test_an_acknowledgement_is_the_answer_however_it_is_cut(more):
    done = sstp(OPENED + PPP + ACK, **more)
    assert [op for op, _, _ in done.ops()] == [*WHOLE, "sstp_disconnect"]
    assert done.only("sstp_connect").failure is None
    assert done.only("sstp_connect").detail == {
        "message": "CALL_CONNECT_ACK", "hashes": ["sha1", "sha256"],
    }  # fmt: skip
    # The scripted server closes here: that is no failure of what went before.
    assert done.only("sstp_disconnect").failure == "eof_error"
    assert done.only("sstp_disconnect").transaction == 2


def test_both_may_leave_at_once():
    done = sstp(OPENED + ACK + bytes.fromhex("10010008 00060000"))
    assert done.only("sstp_disconnect").failure is None
    assert done.only("sstp_disconnect").detail == {"message": "CALL_DISCONNECT"}


def test_a_refusal_is_an_answer_and_an_abort_needs_no_goodbye():
    done = sstp(OPENED + NAK)
    assert done.only("sstp_connect").detail == {
        "message": "CALL_CONNECT_NAK", "status": "VALUE_NOT_SUPPORTED",
    }  # fmt: skip
    done = sstp(OPENED + bytes.fromhex("10010008 00050000"))
    assert ended(done) == ("sstp_connect", None)


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        (page(b"", "405 Not allowed"), ("expect", "http_unexpected_status_code")),
        (page(b""), ("sstp_connect", "eof_error")),
        (page(b"<html>"), ("sstp_connect", "unknown_failure: malformed sstp reply")),
        (OPENED, ("sstp_connect", "eof_error")),
        (OPENED + ACK[:20], ("sstp_connect", "eof_error")),
        (OPENED + PPP * 40, ("sstp_connect", "unknown_failure: malformed sstp reply")),
        (OPENED + bytes.fromhex("1001000e 00010001 00010006 0001"),
         ("sstp_connect", "unknown_failure: malformed sstp reply")),
    ],
)  # fmt: skip
def test_what_is_no_sstp_server_is_told(answer, ends):
    assert ended(sstp(answer)) == ends


def softether(answer):
    check = SoftEtherCheck(host=AT.ip, port=AT.port, sni=NAME)
    return run(check, tls(serving(NAME), answer))


def test_a_greeting_is_the_answer_and_so_is_an_error_of_its_own():
    done = softether(page(GREETING))
    assert ended(done) == ("expect", None)
    assert done.only("http_request").detail["path"] == "/vpnsvc/connect.cgi"
    assert done.only("expect").detail == {
        "hello": "SoftEther VPN Server (64 bit)", "version": 501, "build": 9674,
    }  # fmt: skip
    done = softether(page(pack(error=number(5))))
    assert (ended(done), done.only("expect").detail) == (("expect", None), {"error_code": 5})


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (page(b"<html></html>"), "unknown_failure: malformed softether reply"),
        (page(GREETING[:-1]), "unknown_failure: malformed softether reply"),
        (page(b"", "403 Forbidden"), "http_unexpected_status_code"),
    ],
)
def test_who_does_not_greet_is_no_softether(answer, failure):
    assert ended(softether(answer)) == ("expect", failure)
