"""probe.checks.pptp: a control connection is started and stopped."""

import pytest
from support.kits import run_check
from wire.pptp_messages import ECHO, STOP, STOPPED, reply

from probe.checks import Imitable
from probe.checks.pptp import PptpCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.wire import pptp

AT = Endpoint("192.0.2.5", 1723)
MALFORMED = "unknown_failure: malformed pptp reply"


def run(*answers):
    """Against a server that gives these answers one after the other; None is silence."""
    heard = []

    async def serve(peer):
        for answer in answers:
            heard.append(await peer.receive())
            if answer is None:
                await peer.receive()
            else:
                peer.send(answer)

    done = run_check(PptpCheck(host=AT.ip, port=AT.port), FakeNetwork(tcp={AT: serve}))
    return done, heard


def test_a_reply_is_followed_by_a_goodbye_in_a_transaction_of_its_own():
    done, heard = run(reply(), STOPPED)
    assert done.ops() == [("connect", 1, None), ("pptp_start", 1, None), ("pptp_stop", 2, None)]
    assert done.only("pptp_start").detail == {
        "message": "Start-Control-Connection-Reply", "result": "established", "error_code": 0,
        "version": "1.0", "host": "local", "vendor": "linux",
    }  # fmt: skip
    assert heard == [pptp.start(), pptp.stop()]


def test_a_refusal_is_an_answer():
    done, _ = run(reply(4), STOPPED)
    assert done.only("pptp_start").failure is None
    assert done.only("pptp_start").detail["result"] == "not authorized"


@pytest.mark.parametrize(
    ("parting", "failure", "message"),
    [
        (ECHO + STOPPED, None, "Stop-Control-Connection-Reply"),
        (STOP, None, "Stop-Control-Connection-Request"),
        (None, "generic_timeout_error", None),
        (b"", "eof_error", None),
        (reply()[:100], "generic_timeout_error", None),
    ],
)
def test_the_goodbye_fails_nothing_else(parting, failure, message):
    done, _ = run(reply(), parting)
    assert done.only("pptp_start").failure is None
    assert done.only("pptp_stop").failure == failure
    assert done.only("pptp_stop").detail.get("message") == message


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (None, "generic_timeout_error"),
        (b"", "eof_error"),
        (reply()[:80], "generic_timeout_error"),
        (b"SSH-2.0-garbage\r\n", MALFORMED),
        (pptp.start(), MALFORMED),
    ],
)
def test_what_is_no_reply_has_a_name_of_its_own(answer, failure):
    done, _ = run(answer)
    assert done.ops() == [("connect", 1, None), ("pptp_start", 1, failure)]


def test_a_server_that_wants_to_stop_at_once_has_answered():
    done, _ = run(STOP)
    assert done.ops() == [("connect", 1, None), ("pptp_start", 1, None)]


def test_its_first_packet_can_be_shown_to_anybody():
    check = PptpCheck(host="vpn.example", port=1723)
    assert isinstance(check, Imitable)
    assert check.first_packet() == ("tcp", pptp.start())


def test_the_plan_says_what_is_sent():
    (sending,) = PptpCheck(host="vpn.example", port=1723).sends()
    assert sending == (
        "vpn.example", 1723, "tcp", "PPTP request to start, then to stop, in clear",
    )  # fmt: skip
