"""probe.wire.openvpn.control: bytes arrive in their order, whatever happens to the packets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import sampled
from support.openvpn import PAIRS, Server

from probe.core.failure import MalformedReplyError
from probe.wire.openvpn.control import AGAIN, LARGEST, MOST, Control
from probe.wire.openvpn.packets import Opcode, Packet

SESSION = bytes(range(8))
each_wrapping = pytest.mark.parametrize("name", PAIRS)


def pair(name="none", *, cookie=False, repeats=True):
    """A client that has been answered, and its server."""
    client, server = (make() for make in PAIRS[name])
    control = Control(client, SESSION, 1_500_336_000, repeats=repeats)
    there = Server(server, cookie=cookie)
    (answer,) = there.take(control.reset())
    assert control.answer(answer)
    return control, there


def opcodes(packets):
    return [Opcode(packet[0] >> 3) for packet in packets]


@each_wrapping
def test_both_sides_hear_each_other(name):
    control, server = pair(name)
    control.write(b"hello")
    for packet in control.due(0.0):
        for answer in server.take(packet):
            assert control.take(answer)
    assert server.heard == b"hello"
    for packet in server.say(b"a" * 3000):
        assert control.take(packet)
    assert control.read() == b"a" * 3000
    assert control.read() == b""
    for packet in control.due(0.0):
        server.take(packet)
    assert server.again() == []  # all of it has been acknowledged


@pytest.mark.parametrize(("name", "cookie"), [*((n, False) for n in PAIRS), ("tls-crypt-v2", True)])
def test_no_packet_is_larger_than_openvpn_lets_it_be(name, cookie):
    control, server = pair(name, cookie=cookie)
    control.write(b"x" * 10_000)
    sent = []
    while packets := control.due(0.0):
        sent += packets
        for packet in packets:
            for answer in server.take(packet):
                control.take(answer)
    assert len(server.heard) == 10_000
    assert max(map(len, sent)) <= LARGEST
    assert len(sent) <= 12


def test_a_server_that_keeps_no_state_is_shown_one_packet_first():
    control, _ = pair()
    control.write(b"x" * 5000)
    (first,) = control.due(0.0)
    # Acknowledges the reset and names the server's session: that is what such a server waits for.
    shown = "01" + "00000000" + "5e" * 8
    assert first[9:22].hex() == shown
    assert control.due(0.5) == []
    (again,) = control.due(AGAIN)
    assert again[9:22].hex() == shown


def test_the_key_is_shown_again_where_the_server_asks_for_it():
    control, server = pair("tls-crypt-v2", cookie=True)
    control.write(b"hello")
    (first,) = control.due(0.0)
    server.take(first)
    (again,) = control.due(AGAIN)
    assert opcodes([first, again]) == [Opcode.CONTROL_WKC_V1] * 2
    control.write(b"more")
    for answer in server.take(again):
        control.take(answer)
    assert opcodes(control.due(AGAIN)) == [Opcode.CONTROL_V1]
    assert server.heard == b"hello"


def test_a_key_that_the_client_does_not_have_is_not_shown():
    control, _ = pair("tls-crypt", cookie=True)
    assert not control.key_again
    control.write(b"hello")
    assert opcodes(control.due(0.0)) == [Opcode.CONTROL_V1]


def test_what_is_not_acknowledged_is_sent_again_each_time_later():
    control, _ = pair()
    control.write(b"hello")
    assert len(control.due(0.0)) == 1
    assert control.wake() == AGAIN
    assert control.due(AGAIN - 0.1) == []
    assert len(control.due(AGAIN)) == 1
    assert control.wake() == 3 * AGAIN
    assert len(control.due(3 * AGAIN)) == 1
    assert control.wake() == 7 * AGAIN


def test_over_tcp_nothing_is_sent_twice():
    control, _ = pair(repeats=False)
    control.write(b"hello")
    assert len(control.due(0.0)) == 1
    assert control.wake() is None
    assert control.due(100.0) == []


def test_what_is_another_sessions_is_passed_over():
    control, server = pair()
    stranger = Server(PAIRS["none"][1](), session=b"other678", client=SESSION)
    (packet,) = stranger.say(b"evil")
    assert not control.take(packet)
    server.client = b"not ours"
    (foreign,) = server.say(b"evil")
    assert control.take(foreign)  # it names no session, and numbers are all that it has
    control, server = pair()
    server.client = b"not ours"
    acknowledging = server.seal(
        Packet(opcode=Opcode.ACK_V1, session=server.session, acks=(1,), acknowledged=server.client)
    )
    control.write(b"hello")
    control.due(0.0)
    assert not control.take(acknowledging)
    assert control.wake() is not None  # still under way


def test_a_repeated_answer_to_the_reset_is_acknowledged_again():
    control, server = pair()
    control.write(b"hello")
    for packet in control.due(0.0):
        for answer in server.take(packet):
            control.take(answer)
    reset = server.reset(Packet(opcode=Opcode.HARD_RESET_CLIENT_V2, session=SESSION, number=0))
    assert control.take(reset)
    (ack,) = control.due(0.0)
    server.acked.clear()
    server.take(ack)
    assert server.acked == {0}


def test_a_handshake_without_an_end_is_refused():
    control, server = pair()
    with pytest.raises(MalformedReplyError, match="more than 262144 bytes"):
        for _ in range(MOST // 1000 + 10):
            for packet in server.say(b"x" * 1000):
                control.take(packet)
                for ack in control.due(0.0):
                    server.take(ack)
            control.read()


def test_acknowledgements_do_not_wait_for_one_of_ours():
    control, server = pair()
    control.write(b"hello")
    (hello,) = control.due(0.0)
    server.take(hello)  # what it answers is lost
    for packet in server.say(b"x" * 3000):
        assert control.take(packet)
    acks = control.due(0.1)
    assert opcodes(acks) == [Opcode.ACK_V1]
    server.take(acks[0])
    assert server.again() == []


def test_packets_far_ahead_are_not_kept():
    control, server = pair()
    packets = server.say(b"x" * 1100 * 40)
    assert len(control.due(0.0)) == 1  # for the reset
    for packet in packets[20:]:
        assert control.take(packet)
    assert control.due(0.0) == []  # and not acknowledged: they have to come again


chances = st.lists(st.sampled_from("pldk"), max_size=24)  # passes, lost, doubled, late


@sampled
@given(chances, chances)
def test_bytes_arrive_in_order_whatever_is_lost_doubled_or_late(there, back):
    control, server = pair()
    mine, theirs = b"".join(i.to_bytes(2, "big") for i in range(1800)), bytes(range(256)) * 16
    control.write(mine)
    to_client, to_server = server.say(theirs), []
    got, now = b"", 0.0
    # Chance has its way at first; then the path is in order, and all has to arrive.
    for _ in range(100):
        to_server += control.due(now)
        for packet in passing(to_server, there):
            to_client += server.take(packet)
        for packet in passing(to_client, back):
            control.take(packet)
        got += control.read()
        to_client = to_client or server.again()
        now = control.wake() or now + AGAIN
        if len(got) == len(theirs) and len(server.heard) == len(mine):
            break
    assert got == theirs
    assert server.heard == mine


def passing(queue, chances):
    """What of a queue arrives this time; what is late stays in it."""
    waiting, queue[:] = list(queue), []
    for packet in waiting:
        chance = chances.pop() if chances else "p"
        if chance == "k":
            queue.append(packet)
        yield from [packet] * {"p": 1, "d": 2}.get(chance, 0)
