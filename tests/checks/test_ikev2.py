"""probe.checks.ikev2: the light question first, the usual one where it stays unanswered."""

import errno

import pytest
from support.kits import run_check
from wire.ike_messages import AGREED, COOKIE, WRONG_VERSION

from probe.checks import Imitable
from probe.checks.ikev2 import Ikev2Check
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, os_error
from probe.wire.ikev2 import MARKER

AT, NAT = Endpoint("192.0.2.5", 500), Endpoint("192.0.2.5", 4500)


def run(serve, at=AT, **options):
    return run_check(Ikev2Check(host=at.ip, port=at.port, **options), FakeNetwork(udp={at: serve}))


def daemon(*, light=WRONG_VERSION, usual=AGREED, again=AGREED, marker=b""):
    """A daemon that gives these answers, None being silence; it reads what it is asked."""

    async def serve(peer):
        asked = set()
        while data := await peer.receive():
            assert data.startswith(marker)
            data = data.removeprefix(marker)
            spi, version, first = data[:8], data[17], data[16]
            answer = light if version == 0x30 else again if first == 41 else usual
            if answer and (data not in asked or answer is not COOKIE):
                peer.send(marker + answer(spi))
            asked.add(data)

    return serve


async def closed(peer):
    await peer.receive()
    peer.outbox.put_nowait(os_error(errno.ECONNREFUSED))


def test_the_light_question_is_enough_where_it_is_answered():
    done = run(daemon())
    assert done.ops() == [("ikev2_version", 1, None)]
    step = done.only("ikev2_version")
    assert step.detail["bytes_sent"] == 28
    assert step.detail["notifications"] == ["INVALID_MAJOR_VERSION"]
    assert not step.detail["agreed"]


def test_a_daemon_that_ignores_it_is_asked_as_usual_in_a_transaction_of_its_own():
    done = run(daemon(light=None))
    assert done.ops() == [
        ("ikev2_version", 1, "generic_timeout_error"),
        ("ikev2_sa_init", 2, None),
    ]
    assert done.only("ikev2_version").t == 4.0
    assert done.only("ikev2_sa_init").detail["agreed"]


def test_silence_to_both_is_silence():
    done = run(daemon(light=None, usual=None))
    assert {failure for _, _, failure in done.ops()} == {"generic_timeout_error"}
    assert done.only("ikev2_sa_init").detail["packets"] == 3


def test_a_closed_port_is_asked_nothing_more():
    assert run(closed).ops() == [("ikev2_version", 1, "connection_refused")]


def test_a_cookie_is_brought_back_and_silence_to_it_fails_nothing_else():
    done = run(daemon(usual=COOKIE), exchange="sa_init", group="x25519")
    assert done.ops() == [("ikev2_sa_init", 1, None), ("ikev2_cookie", 2, None)]
    tired = run(daemon(usual=COOKIE, again=None), exchange="sa_init")
    assert tired.ops() == [
        ("ikev2_sa_init", 1, None),
        ("ikev2_cookie", 2, "generic_timeout_error"),
    ]


def test_version_1_is_asked_on_request():
    done = run(daemon(usual=lambda spi: AGREED(spi, version=0x10, exchange=2, flags=0)),
               exchange="main_mode")  # fmt: skip
    assert done.ops() == [("ikev1_main_mode", 1, None)]
    assert done.only("ikev1_main_mode").detail["version"] == 1


def test_on_another_port_the_marker_goes_before_every_message():
    done = run(daemon(marker=MARKER), NAT)
    assert done.ops() == [("ikev2_version", 1, None)]
    assert done.only("ikev2_version").detail["bytes_sent"] == 32


def test_what_is_no_ike_is_a_failure_of_its_own_name():
    async def echo(peer):
        while data := await peer.receive():
            peer.send(data)

    done = run(echo)
    assert done.ops() == [("ikev2_version", 1, "unknown_failure: malformed ikev2 reply")]


@pytest.mark.parametrize(("port", "length"), [(500, 376), (4500, 380)])
def test_its_first_packet_can_be_shown_to_anybody(port, length):
    check = Ikev2Check(host="vpn.example", port=port)
    assert isinstance(check, Imitable)
    packets = {check.first_packet() for _ in range(3)}
    assert len(packets) == 3
    assert {(p.transport, len(p.payload)) for p in packets} == {("udp", length)}


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, ["IKE header of version 3",
              "IKE_SA_INIT, modp2048, if the header stays unanswered"]),
        ({"exchange": "sa_init", "group": "x25519"}, ["IKE_SA_INIT, x25519"]),
        ({"exchange": "main_mode"}, ["IKEv1 main mode, proposal"]),
    ],
)  # fmt: skip
def test_the_plan_says_what_is_sent(options, sent):
    check = Ikev2Check(host="vpn.example", port=500, **options)
    assert [(s.transport, s.what) for s in check.sends()] == [("udp", what) for what in sent]
