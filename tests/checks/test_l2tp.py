"""probe.checks.l2tp: a tunnel is asked for and given up again."""

import errno

from support.kits import run_check
from wire.l2tp_messages import avp, granted, message

from probe.checks import Imitable
from probe.checks.l2tp import L2tpCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, os_error

AT = Endpoint("192.0.2.5", 1701)
THEIRS = 0x2BD4


def run(serve):
    return run_check(L2tpCheck(host=AT.ip, port=AT.port), FakeNetwork(udp={AT: serve}))


def number_of(data):
    """What the client calls the tunnel."""
    return int.from_bytes(data[data.index(avp(9, b"??")[:6]) + 6 :][:2])


def server(*answers, last=lambda number: message(tunnel=number, acknowledges=2)):
    """Answers requests with these, one after the other, and a goodbye with the last one; what
    it was told stands in ``heard``."""
    heard = []

    async def serve(peer):
        rest = iter(answers)
        while data := await peer.receive():
            number = number_of(data)
            heard.append(data)
            goodbye = data[4:6] == THEIRS.to_bytes(2)
            answer = last if goodbye else next(rest, None)
            if answer:
                peer.send(answer(number))

    return serve, heard


def test_an_answer_is_followed_by_a_goodbye_in_a_transaction_of_its_own():
    serve, heard = server(granted)
    done = run(serve)
    assert done.ops() == [("l2tp_sccrq", 1, None), ("l2tp_stopccn", 2, None)]
    step = done.only("l2tp_sccrq")
    assert step.detail["bytes_sent"] == 79
    assert step.detail["message"] == "SCCRP"
    assert (step.detail["host"], step.detail["vendor"]) == ("gate", "maker")
    assert step.detail["challenge"] is False
    assert [data[4:6] for data in heard] == [b"\0\0", THEIRS.to_bytes(2)]


def test_silence_is_asked_again_with_the_same_message():
    serve, heard = server(None, None)
    done = run(serve)
    assert done.ops() == [("l2tp_sccrq", 1, "generic_timeout_error")]
    assert done.only("l2tp_sccrq").detail["packets"] == 3
    assert len(set(heard)) == 1


def test_silence_to_the_goodbye_fails_nothing_else():
    serve, _ = server(granted, last=None)
    assert run(serve).ops() == [
        ("l2tp_sccrq", 1, None),
        ("l2tp_stopccn", 2, "generic_timeout_error"),
    ]


def test_a_refusal_is_an_answer_and_needs_no_goodbye():
    def refusing(number):
        return message(avp(0, b"\0\4"), avp(9, b"\0\7"), avp(1, b"\0\2\0\4"), tunnel=number)

    serve, heard = server(refusing)
    done = run(serve)
    assert done.ops() == [("l2tp_sccrq", 1, None)]
    assert done.only("l2tp_sccrq").detail["message"] == "StopCCN"
    assert (done.only("l2tp_sccrq").detail["result"], len(heard)) == (2, 1)
    assert done.only("l2tp_sccrq").detail["error"] == 4


def test_where_it_is_only_acknowledged_the_answer_is_waited_for_to_say_goodbye():
    async def serve(peer):
        number = number_of(await peer.receive())
        peer.send(message(tunnel=number))
        peer.send(granted(number))
        assert (await peer.receive())[4:6] == THEIRS.to_bytes(2)
        peer.send(granted(number))  # once more: it had not heard us yet
        peer.send(message(tunnel=number, acknowledges=2))

    done = run(serve)
    assert done.ops() == [("l2tp_sccrq", 1, None), ("l2tp_stopccn", 2, None)]
    assert done.only("l2tp_sccrq").detail["message"] == "ZLB"
    assert done.only("l2tp_stopccn").detail["message"] == "ZLB"


def test_another_tunnels_messages_are_waited_past():
    async def serve(peer):
        number = number_of(await peer.receive())
        peer.send(granted(number ^ 1))
        peer.send(granted(number))
        await peer.receive()
        peer.send(message(tunnel=number, acknowledges=2))

    step = run(serve).only("l2tp_sccrq")
    assert (step.failure, step.detail["strays"]) == (None, 1)


def test_a_closed_port_and_nonsense_under_our_number_have_names_of_their_own():
    async def closed(peer):
        await peer.receive()
        peer.outbox.put_nowait(os_error(errno.ECONNREFUSED))

    assert run(closed).ops() == [("l2tp_sccrq", 1, "connection_refused")]
    serve, _ = server(lambda number: message(b"nonsense", tunnel=number))
    assert run(serve).ops() == [("l2tp_sccrq", 1, "unknown_failure: malformed l2tp reply")]


def test_its_first_packet_can_be_shown_to_anybody():
    check = L2tpCheck(host="vpn.example", port=1701)
    assert isinstance(check, Imitable)
    packets = {check.first_packet() for _ in range(5)}
    assert len(packets) > 1
    assert {(p.transport, len(p.payload)) for p in packets} == {("udp", 79)}


def test_the_plan_says_what_is_sent():
    check = L2tpCheck(host="vpn.example", port=1701)
    assert [(s.transport, s.what) for s in check.sends()] == [
        ("udp", "L2TP request for a tunnel (SCCRQ)"),
        ("udp", "L2TP StopCCN, if it was answered"),
    ]
