"""probe.checks.quic: versions, handshakes, requests. Time is virtual, the server is aioquic's."""

import errno
import hashlib
import random
from datetime import UTC, datetime
from functools import partial

import pytest
from aioquic.h3.connection import H3Connection
from aioquic.quic.connection import QuicConnection
from support.authority import ca_file, known_to_browsers
from support.kits import run_check
from support.quic import PAGE, alerting, forgetful, scripted
from wire.quic_messages import negotiation

from probe.checks import Demanding, Imitable
from probe.checks import quic as under_test
from probe.checks.expect import Expect
from probe.checks.quic import QuicCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, os_error

AT = Endpoint("192.0.2.5", 443)
UP, SILENCE = ("quic_handshake", 1, None), "generic_timeout_error"
NOT_HTTP, CLOSED = "http_request_failed", "eof_error"


def run(serve, **options):
    check = QuicCheck(host="a.example", port=AT.port, addresses=(AT.ip,), **options)
    return run_check(check, FakeNetwork(udp={AT: serve}))


async def closed(peer):
    await peer.receive()
    peer.outbox.put_nowait(os_error(errno.ECONNREFUSED))


async def silent(peer):
    while await peer.receive():
        pass


async def echo(peer):
    while data := await peer.receive():
        peer.send(data)


@pytest.fixture
def without_extra(monkeypatch):
    monkeypatch.setattr(under_test, "installed", lambda: False)


# --- which versions


def test_who_speaks_quic_says_which_versions():
    async def negotiating(peer):
        while data := await peer.receive():
            peer.send(negotiation(data, 1, 0x6B3343CF))

    done = run(negotiating, mode="version")
    assert done.ops() == [("quic_version", 1, None)]
    detail = done.only("quic_version").detail
    assert detail["versions"] == ["0x00000001", "0x6b3343cf"]
    assert (detail["packets"], detail["bytes_sent"]) == (1, 1200)
    assert "note" not in detail


def test_every_repetition_is_a_question_of_its_own_and_any_of_them_may_be_answered():
    asked = []

    async def late(peer):
        while data := await peer.receive():
            asked.append(data)
            if len(asked) == 2:
                peer.send(negotiation(asked[0], 1))

    done = run(late, mode="version")
    assert done.ops() == [("quic_version", 1, None)]
    assert asked[0] != asked[1]


@pytest.mark.parametrize(
    ("serve", "failure"),
    [(silent, SILENCE), (echo, SILENCE), (closed, "connection_refused")],
)
def test_silence_echo_and_a_closed_port_are_no_answers(serve, failure):
    assert run(serve, mode="version").ops() == [("quic_version", 1, failure)]


def test_a_server_need_not_answer_a_version_that_nobody_speaks_well():
    async def broken(peer):
        while data := await peer.receive():
            peer.send(negotiation(data))

    malformed = "unknown_failure: malformed quic reply"
    assert run(broken, mode="version").ops() == [("quic_version", 1, malformed)]


@pytest.mark.usefixtures("without_extra")
def test_without_the_extra_auto_asks_for_versions_and_says_so():
    async def negotiating(peer):
        peer.send(negotiation(await peer.receive(), 1))

    done = run(negotiating)
    assert done.ops() == [("quic_version", 1, None)]
    assert "extra 'quic'" in done.only("quic_version").detail["note"]


@pytest.mark.usefixtures("without_extra")
@pytest.mark.parametrize("options", [{"mode": "handshake"}, {"request": "/"}])
def test_without_the_extra_a_handshake_is_a_mistake_that_names_it(options):
    check = QuicCheck(host="a.example", port=443, **options)
    assert isinstance(check, Demanding)
    with pytest.raises(ValueError, match=r"needs a package more.*probe\[quic\]"):
        check.require()
    QuicCheck(host="a.example", port=443).require()


# --- handshakes


def test_a_handshake_comes_about_and_the_server_is_let_go():
    heard = []
    done = run(scripted(heard=heard))
    assert done.ops() == [UP]
    step = done.only("quic_handshake")
    assert len(heard[0]) == 1200
    told = {key: step.detail[key] for key in ("server_name", "verify", "alpn", "retry")}
    assert told == {"server_name": "a.example", "verify": True, "alpn": "h3", "retry": False}
    assert step.detail["quic_version"] == "0x00000001"
    assert step.detail["tls_version"] == "TLSv1.3"
    assert step.detail["cipher_suite"].startswith("TLS_")
    (leaf,) = step.detail["peer_certificates"]
    assert leaf in done.kit.keep
    assert step.detail["leaf"]["names"] == ["a.example"]
    assert len(step.detail["private_root"]) == 64  # the tests' authority is nobody's else
    assert "own_authority" not in step.detail  # and every target's
    assert len(heard[-1]) < 200  # the good-bye


@pytest.mark.parametrize(
    ("kind", "failure", "code"),
    [
        ("expired", "ssl_invalid_certificate", 10),
        ("self_signed", "ssl_unknown_authority", 18),
        ("wrong_name", "ssl_invalid_hostname", 62),
    ],
)
def test_a_wrong_certificate_fails_by_its_name_and_is_kept(kind, failure, code):
    done = run(scripted(kind))
    assert done.ops() == [("quic_handshake", 1, failure)]
    detail = done.only("quic_handshake").detail
    assert detail["verify_code"] == code
    assert detail["leaf"]["names"]
    assert [name in done.kit.keep for name in detail["peer_certificates"]] == [True]
    assert "private_root" not in detail
    assert run(scripted(kind), verify=False).ops() == [UP]


def test_an_authority_that_only_this_target_names_is_told_as_such():
    check = QuicCheck(host="a.example", port=AT.port, addresses=(AT.ip,), ca_file=ca_file())
    done = run_check(check, FakeNetwork(udp={AT: scripted()}), ca_file=None)
    assert done.only("quic_handshake").detail["own_authority"] is True


def test_a_trust_store_that_is_too_old_is_told():
    check = QuicCheck(host="a.example", port=AT.port, addresses=(AT.ip,))
    with known_to_browsers():
        net, now = FakeNetwork(udp={AT: scripted()}), partial(datetime.now, UTC)
        done = run_check(check, net, ca_file=None, now=now)
    assert done.ops() == [("quic_handshake", 1, "ssl_unknown_authority")]
    assert done.only("quic_handshake").detail["public_authority"] is True


def test_a_pinned_certificate_is_demanded_and_no_authority():
    done = run(scripted("self_signed"), verify=False)
    (leaf,) = done.only("quic_handshake").detail["peer_certificates"]
    assert hashlib.sha256(done.kit.keep[leaf]).hexdigest() == leaf
    pinned = run(scripted("self_signed"), pin=leaf)
    assert pinned.ops() == [UP]
    other = run(scripted(), pin=leaf)
    assert other.ops() == [("quic_handshake", 1, "ssl_unknown_authority")]
    assert other.only("quic_handshake").detail["pin"] == leaf


def test_the_name_may_be_another_than_the_host():
    done = run_check(
        QuicCheck(host=AT.ip, port=AT.port, sni="a.example"), FakeNetwork(udp={AT: scripted()})
    )
    assert done.ops() == [UP]
    plain = run_check(QuicCheck(host=AT.ip, port=AT.port), FakeNetwork(udp={AT: scripted()}))
    assert plain.ops() == [("quic_handshake", 1, "ssl_invalid_hostname")]
    assert plain.only("quic_handshake").detail["verify_code"] == 64


@pytest.mark.parametrize(
    ("number", "failure", "alert"),
    [
        (112, "ssl_invalid_hostname", "unrecognized_name"),
        (40, "ssl_failed_handshake", "handshake_failure"),
        (200, "ssl_failed_handshake", "200"),
    ],
)
def test_an_alert_of_the_server_is_named(number, failure, alert):
    done = run(scripted(react=alerting(number)))
    assert done.ops() == [("quic_handshake", 1, failure)]
    assert done.only("quic_handshake").detail["alert"] == alert


def test_a_server_that_speaks_none_of_our_protocols_says_so():
    done = run(scripted(), alpn=("hq-interop",))
    assert done.ops() == [("quic_handshake", 1, "ssl_failed_handshake")]
    assert done.only("quic_handshake").detail["alert"] == "no_application_protocol"


def test_a_server_of_another_version_is_incompatible():
    async def other(peer):
        while data := await peer.receive():
            peer.send(negotiation(data, 0xFF00001D))

    done = run(other)
    assert done.ops() == [("quic_handshake", 1, "quic_incompatible_version")]
    assert "alert" not in done.only("quic_handshake").detail


@pytest.mark.parametrize("serve", [silent, echo])
def test_silence_and_noise_end_with_the_deadline(serve):
    done = run(serve)
    assert done.ops() == [("quic_handshake", 1, SILENCE)]
    step = done.only("quic_handshake")
    assert step.t == 10.0
    assert step.detail["packets"] > 2
    assert step.detail["peer_certificates"] == []


def test_a_closed_port_is_refused():
    assert run(closed).ops() == [("quic_handshake", 1, "connection_refused")]


# --- requests


def test_a_request_goes_through_all_steps():
    done = run(scripted(), request="/hello?a=b")
    assert done.ops() == [
        UP, ("http_request", 1, None), ("http_response", 1, None), ("transfer", 1, None)
    ]  # fmt: skip
    asked = done.only("http_request").detail
    assert (asked["method"], asked["host"], asked["path"]) == ("GET", "a.example", "/hello?a=b")
    response = done.only("http_response").detail
    assert response["status"] == 200
    assert response["first_byte"] is not None
    assert ["content-length", "9"] in response["headers"]
    moved = done.only("transfer").detail
    assert (moved["bytes"], moved["complete"]) == (9, True)


def test_the_body_is_read_up_to_the_limit_with_bytes_over_time():
    done = run(scripted(), request="/bytes/200000", transfer=100_000)
    moved = done.only("transfer").detail
    assert (moved["bytes"], moved["complete"]) == (100_000, False)
    assert moved["progress"][-1][1] == 100_000
    assert len(moved["progress"]) > 10
    whole = run(scripted(), request="/bytes/200000", transfer=200_000).only("transfer").detail
    assert (whole["bytes"], whole["complete"]) == (200_000, True)


def test_what_comes_before_the_response_is_passed_over():
    done = run(scripted(), request="/early")
    assert done.only("http_response").detail["status"] == 200
    assert done.only("transfer").detail["bytes"] == len(PAGE)


def test_what_is_expected_decides_and_the_page_is_kept():
    wanted = Expect.model_validate({"status": 200})
    done = run(scripted(), request="/status/451", expect=wanted)
    assert done.ops()[-1] == ("expect", 1, "http_unexpected_status_code")
    assert done.kit.keep[done.only("transfer").detail["body"]] == b"sorry"
    assert run(scripted(), request="/", expect=wanted).ops()[-1] == ("expect", 1, None)


@pytest.mark.parametrize(
    ("path", "op", "failure"),
    [
        ("/reset", "http_response", NOT_HTTP),
        ("/cut", "transfer", CLOSED),
        ("/broken", "http_response", NOT_HTTP),
        ("/endless", "http_response", NOT_HTTP),
        ("/silent", "http_response", SILENCE),
    ],
)
def test_what_is_no_answer_fails_where_it_is_seen(path, op, failure):
    assert run(scripted(), request=path).ops()[-1] == (op, 1, failure)


def test_a_server_that_closes_in_good_order_is_no_reset_and_one_that_forgot_us_is():
    ops = run(scripted(react=forgetful), request="/").ops()
    assert ops[-1][2] == CLOSED
    ops = run(scripted(resets_after=2), request="/").ops()
    assert ops[-1] == ("http_response", 1, "connection_reset")


# --- what it says of itself


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "version", "request": "/"},
        {"request": "/", "alpn": ("hq-interop",)},
        {"expect": Expect.model_validate({"status": 200})},
        {"request": "/?token=abc"},  # it would show
    ],
)
def test_options_that_cannot_go_together_are_refused(options):
    with pytest.raises(ValueError, match="request"):
        QuicCheck(host="a.example", port=443, **options)


@pytest.mark.parametrize("mode", ["version", "handshake"])
def test_its_first_packet_can_be_shown_to_anybody(mode):
    check = QuicCheck(host="a.example", port=443, mode=mode)
    assert isinstance(check, Imitable)
    packets = [check.first_packet() for _ in range(3)]
    assert len(set(packets)) == 3
    assert {(p.transport, len(p.payload)) for p in packets} == {("udp", 1200)}
    version = int.from_bytes(packets[0].payload[1:5])
    assert (version == 1) == (mode == "handshake")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mode": "version"}, "QUIC packet of a version that nobody speaks, without a name"),
        ({}, "QUIC handshake, server name a.example readable on the way"),
        (
            {"sni": "b.example", "request": "/"},
            (
                "QUIC handshake, server name b.example readable on the way; "
                "an HTTP/3 request in it, encrypted"
            ),
        ),
    ],
)
def test_the_plan_says_what_is_sent(options, told):
    check = QuicCheck(host="a.example", port=443, **options)
    assert [(s.transport, s.what) for s in check.sends()] == [("udp", told)]


# --- hostile servers


@pytest.mark.parametrize("seed", range(40))
def test_bits_that_flip_on_the_way_are_the_network_s_doing_and_never_our_error(seed):
    drawn = random.Random(seed)

    def flipped(data):
        changed = bytearray(data)
        for _ in range(drawn.randint(1, 3)):
            changed[drawn.randrange(len(data))] ^= 1 << drawn.randrange(8)
        return bytes(changed)

    done = run(scripted(spoils=flipped), request="/")
    assert done.ops()[-1][0] in {"quic_handshake", "http_response", "transfer"}
    assert all(failure in {None, SILENCE} for _, _, failure in done.ops())


def test_what_the_library_stumbles_over_is_a_malformed_reply(monkeypatch):
    def stumble(*_arguments, **_options):
        raise IndexError("nobody had thought of that")

    monkeypatch.setattr(QuicConnection, "receive_datagram", stumble)
    done = run(echo)
    assert done.ops() == [("quic_handshake", 1, "unknown_failure: malformed quic reply")]


def test_nor_is_what_it_stumbles_over_inside_http_3(monkeypatch):
    def stumble(*_arguments, **_options):
        raise IndexError("nobody had thought of that")

    real = H3Connection.handle_event

    def of_clients(http, event):
        return (stumble if http._is_client else real)(http, event)

    monkeypatch.setattr(H3Connection, "handle_event", of_clients)
    assert run(scripted(), request="/").ops()[-1] == ("http_response", 1, NOT_HTTP)
