"""probe.checks.dtls: a greeting, the cookie brought back, and a good-bye."""

import errno

from support.kits import run_check
from wire.dtls_messages import ALERT, HELLO_VERIFY, SERVER_HELLO

from probe.checks import Imitable
from probe.checks.dtls import DtlsCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, os_error

AT = Endpoint("192.0.2.5", 4443)
COOKIE = bytes(range(16))


def run(serve):
    return run_check(DtlsCheck(host=AT.ip, port=AT.port), FakeNetwork(udp={AT: serve}))


def server(heard, *, first=HELLO_VERIFY(COOKIE), second=SERVER_HELLO()):  # noqa: B008  (bytes)
    """A server that gives these answers, None being silence, and notes what it hears."""

    async def serve(peer):
        while data := await peer.receive():
            heard.append(data)
            answer = None
            if data[0] == 22:
                answer = second if COOKIE in data else first
            if answer:
                peer.send(answer)

    return serve


def test_the_cookie_is_brought_back_in_the_same_hello_and_the_server_let_go():
    heard = []
    done = run(server(heard))
    assert done.ops() == [("dtls_client_hello", 1, None), ("dtls_cookie", 2, None)]
    first, second = done.steps
    assert first.detail["answer"] == "hello_verify"
    assert (second.detail["answer"], second.detail["cipher_suite"]) == ("server_hello", "0xc030")
    hello, again, bye = heard
    assert again[27:59] == hello[27:59]
    assert [data[10] for data in heard] == [0, 1, 2]
    assert bye[0] == 21


def test_silence_to_the_cookie_fails_nothing_else():
    done = run(server([], second=None))
    assert done.ops() == [
        ("dtls_client_hello", 1, None),
        ("dtls_cookie", 2, "generic_timeout_error"),
    ]


def test_a_second_copy_of_the_first_answer_is_none_to_the_cookie():
    done = run(server([], second=HELLO_VERIFY(b"another")))
    assert done.steps[1].failure == "generic_timeout_error"
    assert done.steps[1].detail["strays"] == 3


def test_a_server_that_wants_no_cookie_is_asked_once():
    heard = []
    done = run(server(heard, first=SERVER_HELLO()))
    assert done.ops() == [("dtls_client_hello", 1, None)]
    assert [data[0] for data in heard] == [22, 21]


def test_an_alert_is_an_answer():
    done = run(server([], first=ALERT(40)))
    assert done.only("dtls_client_hello").detail["alert"] == "handshake_failure"
    assert done.ops() == [("dtls_client_hello", 1, None)]


def test_silence_and_a_closed_port_are_told_apart():
    heard = []
    done = run(server(heard, first=None))
    assert done.ops() == [("dtls_client_hello", 1, "generic_timeout_error")]
    assert [data[10] for data in heard] == [0, 1, 2]

    async def closed(peer):
        await peer.receive()
        peer.outbox.put_nowait(os_error(errno.ECONNREFUSED))

    assert run(closed).ops() == [("dtls_client_hello", 1, "connection_refused")]


def test_what_is_no_server_is_a_failure_of_its_own_name():
    async def echo(peer):
        while data := await peer.receive():
            peer.send(data)

    malformed = "unknown_failure: malformed dtls reply"
    assert run(echo).ops() == [("dtls_client_hello", 1, malformed)]


def test_its_first_packet_can_be_shown_to_anybody_and_the_plan_says_what_is_sent():
    check = DtlsCheck(host="vpn.example", port=443)
    assert isinstance(check, Imitable)
    packets = {check.first_packet() for _ in range(3)}
    assert len(packets) == 3
    assert {(p.transport, len(p.payload)) for p in packets} == {("udp", 139)}
    ((host, port, transport, what),) = check.sends()
    assert (host, port, transport) == ("vpn.example", 443, "udp")
    assert "without a server name" in what
