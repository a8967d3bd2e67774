"""probe.wire.openvpn after the handshake: the key exchange, what is pushed, packets of data."""

import contextlib
import ipaddress
import itertools
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled

from probe.core.failure import MalformedReplyError, classify
from probe.wire.openvpn import key_exchange, push
from probe.wire.openvpn.compression import Marking, mark, marking_of, unmark
from probe.wire.openvpn.data import CIPHERS, EXIT, HEAD, PING, TAG, Session, is_data
from probe.wire.openvpn.key_exchange import Offer, data_keys, prf, read_reply

KEYS = bytes(range(256))
TURNED = KEYS[128:] + KEYS[:128]  # what one end sends by, the other receives by
OPTIONS = "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto UDPv4,key-method 2,tls-server"
each_cipher = pytest.mark.parametrize("cipher", CIPHERS)


def ends(cipher="AES-256-GCM", marking=Marking.NONE):
    """A client and its server."""
    return Session(KEYS, cipher, 5, marking), Session(TURNED, cipher, 5, marking)


def reply(options=OPTIONS, first=b"\1" * 32, second=b"\2" * 32):
    """What a server says in the key exchange, with the empty texts behind it."""
    text = options.encode() + b"\0"
    body = bytes(4) + b"\2" + first + second + struct.pack("!H", len(text)) + text
    return body + bytes(2) + bytes(2)


# --- the key exchange ----------------------------------------------------------------------------


def test_the_prf_is_tls_s_of_1999():
    # As openssl kdf TLS1-PRF gives it with digest MD5-SHA1.
    made = prf(b"\xab" * 48, b"PRF Testvector" + b"\xcd" * 64, 104)
    assert made.hex().startswith("d3d4d1e349b5d515044666d51de32bab258cb521b6b053463e354832fd976754")
    assert made.hex().endswith("8b2d8f1afbc655a8c9a013")
    assert prf(b"odd", b"seed", 5) == prf(b"odd", b"seed", 256)[:5]


def test_a_clients_message_is_laid_out_as_the_protocol_says():
    offer = Offer(b"p" * 48, b"a" * 32, b"b" * 32)
    made = offer.message(options="V4", username="ü", password="pw", info="IV_PROTO=2\n")
    assert made[:5] == b"\0\0\0\0\2"
    assert made[5:117] == b"p" * 48 + b"a" * 32 + b"b" * 32
    assert made[117:] == b"\0\3V4\0" + b"\0\3\xc3\xbc\0" + b"\0\3pw\0" + b"\0\x0cIV_PROTO=2\n\0"


def test_secrets_are_drawn_anew_and_do_not_show():
    one, other = Offer(), Offer()
    assert len({one.pre_master, other.pre_master, one.first, one.second, other.first}) == 5
    assert repr(one) == "Offer()"
    assert repr(read_reply(reply("a,b"))) == "Reply(options=('a', 'b'))"


def test_a_servers_message_is_read_and_what_stands_behind_it_does_not_matter():
    read = read_reply(reply() + b"\0\5IV_X\0")
    assert read is not None
    assert (read.first, read.second) == (b"\1" * 32, b"\2" * 32)
    assert read.options[:2] == ("V4", "dev-type tun")


def test_every_part_of_a_servers_message_is_no_whole_one():
    whole = reply()
    for length in range(len(whole) - 4):
        assert read_reply(whole[:length]) is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\0\0\1", "four zero bytes"),
        (b"AUTH_FAILED\0", "four zero bytes"),
        (bytes(5), "key method 0"),
        (bytes(4) + b"\1" + bytes(64), "key method 1"),
        (reply() + bytes(4096), "a key exchange of"),
        (reply()[:69] + b"\xff\xff", "a text of 65535 bytes"),
    ],
)
def test_what_is_no_key_exchange_is_told(data, said):
    with pytest.raises(MalformedReplyError, match=said):
        read_reply(data)


def test_both_ends_and_both_secrets_enter_the_keys():
    offer, answer = Offer(b"p" * 48, b"a" * 32, b"b" * 32), read_reply(reply())
    sessions = b"client!!", b"server!!"
    keys = data_keys(offer, answer, *sessions)
    assert len(keys) == 256
    others = [
        data_keys(Offer(b"q" * 48, b"a" * 32, b"b" * 32), answer, *sessions),
        data_keys(Offer(b"p" * 48, b"x" * 32, b"b" * 32), answer, *sessions),
        data_keys(Offer(b"p" * 48, b"a" * 32, b"x" * 32), answer, *sessions),
        data_keys(offer, read_reply(reply(first=bytes(32))), *sessions),
        data_keys(offer, read_reply(reply(second=bytes(32))), *sessions),
        data_keys(offer, answer, *sessions[::-1]),
    ]
    assert len({keys, *others}) == 7


# --- what is pushed ------------------------------------------------------------------------------

PUSHED = (
    "PUSH_REPLY,route-gateway 10.98.0.1,topology subnet,ping 10,ping-restart 60,"
    "ifconfig 10.98.0.2 255.255.255.0,peer-id 7,cipher AES-128-GCM"
)


def pushed(*messages):
    parts = push.Reply()
    return [parts.take(message) for message in messages]


def ip(text):
    return ipaddress.ip_address(text)


def test_a_reply_says_what_the_tunnel_is_made_of():
    (found,) = pushed(PUSHED)
    assert found == push.Pushed(
        cipher="AES-128-GCM",
        peer=7,
        ends=((ip("10.98.0.2"), ip("10.98.0.1")),),
        ping=10,
        ping_restart=60,
    )
    assert found.way_to(None) == (ip("10.98.0.2"), ip("10.98.0.1"))
    assert found.way_to(ip("10.1.1.1")) == (ip("10.98.0.2"), ip("10.1.1.1"))
    assert found.way_to(ip("fd00::1")) is None


@pytest.mark.parametrize(
    ("options", "way"),
    [
        # net30: the far end answers nobody, the server stands behind a route of its own
        ("route 10.8.0.1,topology net30,ifconfig 10.8.0.6 10.8.0.5", ("10.8.0.6", "10.8.0.1")),
        (
            "route 10.1.0.0 255.255.0.0,route 10.8.0.1 255.255.255.255,ifconfig 10.8.0.6 10.8.0.5",
            ("10.8.0.6", "10.8.0.1"),
        ),
        ("ifconfig 10.8.0.6 10.8.0.5", ("10.8.0.6", "10.8.0.5")),
        ("ifconfig 10.8.0.6 255.255.255.0", None),
        ("ifconfig 10.8.0.6 255.255.255.0,route-gateway dhcp", None),
        ("ifconfig-ipv6 fd98::1000/64 fd98::1", ("fd98::1000", "fd98::1")),
        (
            "ifconfig-ipv6 fd98::1000/64 fd98::1,ifconfig 10.8.0.6 255.255.255.0",
            ("fd98::1000", "fd98::1"),
        ),
        ("ifconfig", None),
        ("ifconfig nonsense 10.8.0.5", None),
        ("ifconfig 0.0.0.0 10.8.0.5", None),
        ("ifconfig 224.0.0.1 10.8.0.5", None),
        ("", None),
    ],
)
def test_who_answers_inside_is_found_in_what_is_pushed(options, way):
    (found,) = pushed(f"PUSH_REPLY,{options}")
    assert found.way_to(None) == (way and tuple(map(ip, way)))


def test_a_long_reply_comes_in_parts():
    first = "PUSH_REPLY,cipher AES-256-GCM,push-continuation 2"
    assert pushed(first, "INFO,anything", "PUSH_REPLY,peer-id 3,push-continuation 1")[:2] == [
        None,
        None,
    ]
    found = pushed(first, "PUSH_REPLY,peer-id 3,push-continuation 1")[1]
    assert (found.cipher, found.peer) == ("AES-256-GCM", 3)


def test_the_first_of_two_options_counts_and_compression_keeps_its_word():
    (found,) = pushed("PUSH_REPLY,ping 5,ping 6,compress stub-v2")
    assert (found.ping, found.compression) == (5, ("compress", "stub-v2"))
    assert pushed("PUSH_REPLY,comp-lzo no")[0].compression == ("comp-lzo", "no")


@pytest.mark.parametrize(
    "option", ["peer-id x", "peer-id", "peer-id 16777216", "ping -1", "ping ²", "ping 999999999999"]
)
def test_a_number_that_is_none_is_told(option):
    with pytest.raises(MalformedReplyError, match="that is none"):
        pushed(f"PUSH_REPLY,{option}")


def test_a_reply_without_end_is_told():
    parts = push.Reply()
    with pytest.raises(MalformedReplyError, match="pushes more than"):
        for _ in range(70):
            parts.take("PUSH_REPLY," + "x" * 1000 + ",push-continuation 2")
    with pytest.raises(MalformedReplyError, match="a message of more than"):
        push.Messages().take(b"x" * (push.LONGEST + 1))


def test_messages_end_where_their_nul_stands():
    messages = push.Messages()
    assert messages.take(b"PUSH_") == []
    assert messages.take(b"REPLY,a\0AUTH_FAILED\0\0INF") == ["PUSH_REPLY,a", "AUTH_FAILED"]
    assert messages.take(b"O,\xff\0") == ["INFO,\N{REPLACEMENT CHARACTER}"]


# --- packets of data -----------------------------------------------------------------------------


@each_cipher
@sampled
@given(st.binary(min_size=1, max_size=1500), st.sampled_from(Marking))
def test_a_packet_comes_out_as_it_went_in(cipher, packet, marking):
    for sender, receiver in (ends(cipher, marking), ends(cipher, marking)[::-1]):
        sealed = sender.seal(packet)
        assert is_data(sealed)
        assert receiver.open(sealed) == (b"" if packet == PING else packet)


@each_cipher
def test_a_packet_names_the_peer_and_counts_up(cipher):
    client, server = ends(cipher)
    first, second = client.seal(b"x"), client.seal()
    assert first[:8].hex() == "4800000500000001"
    assert second[:8].hex() == "4800000500000002"
    assert len(first) == HEAD + TAG + 1
    assert server.open(first) == b"x"
    assert server.open(second) == b""  # a ping
    assert server.open(client.seal(EXIT)) == EXIT


def test_a_packet_counts_once_in_whatever_order():
    client, server = ends()
    packets = [client.seal(bytes([n])) for n in range(5)]
    for number in (2, 0, 4, 1):
        assert not server.replayed(packets[number])
        assert server.open(packets[number]) == bytes([number])
        assert server.open(packets[number]) is None
        assert server.replayed(packets[number])
    assert server.open(packets[3]) == b"\3"


def test_what_is_too_old_to_know_is_taken_for_a_replay():
    client, server = ends()
    older, old = client.seal(b"x"), client.seal(b"y")
    for _ in range(2047):
        last = client.seal(b"z")
    assert server.open(last) == b"z"
    assert server.open(old) == b"y"
    assert server.open(older) is None


def test_a_forged_number_moves_nothing():
    client, server = ends()
    packet = client.seal(b"x")
    far = packet[:4] + b"\xff" * 4 + packet[8:]
    assert server.open(far) is None
    assert not server.replayed(far)
    assert server.open(packet) == b"x"


def test_ciphers_keys_and_directions_do_not_open_each_others_packets():
    sessions = {cipher: ends(cipher) for cipher in CIPHERS}
    for (one, (client, _)), (other, (_, server)) in itertools.product(
        sessions.items(), sessions.items()
    ):
        assert (server.open(client.seal(b"x")) == b"x") is (one == other)
    client, server = ends()
    assert client.open(client.seal(b"x")) is None  # its own, sent back
    stranger = Session(os.urandom(256), "AES-256-GCM", 5)
    assert stranger.open(client.seal(b"x")) is None


@pytest.mark.parametrize(
    ("option", "marking", "sent"),
    [
        ((), Marking.NONE, b"\x45ab"),
        (("comp-lzo", "no"), Marking.BEFORE, b"\xfa\x45ab"),
        (("comp-lzo", "adaptive"), Marking.BEFORE, b"\xfa\x45ab"),
        (("comp-lzo",), Marking.BEFORE, b"\xfa\x45ab"),
        (("compress", "lzo"), Marking.BEFORE, b"\xfa\x45ab"),
        (("compress",), Marking.SWAPPED, b"\xfbab\x45"),
        (("compress", "stub"), Marking.SWAPPED, b"\xfbab\x45"),
        (("compress", "lz4"), Marking.SWAPPED, b"\xfbab\x45"),
        (("compress", "stub-v2"), Marking.V2, b"\x45ab"),
        (("compress", "lz4-v2"), Marking.V2, b"\x45ab"),
    ],
)
def test_packets_are_marked_as_the_server_wants_them(option, marking, sent):
    assert marking_of(option) is marking
    assert mark(marking, b"\x45ab") == sent
    assert unmark(marking, sent) == b"\x45ab"
    assert unmark(marking, b"\x66compressed") == b"\x66compressed"
    assert mark(Marking.V2, b"\x50x") == b"\x50\x00\x50x"
    assert unmark(marking, b"") == b""
    assert unmark(Marking.SWAPPED, b"\xfb") == b""


# --- whatever else somebody may send -------------------------------------------------------------

CLIENT, SERVER = ends()
WHOLE = SERVER.seal(os.urandom(84))


@pytest.mark.parametrize("end", range(len(WHOLE)))
def test_no_part_of_a_packet_passes_for_one(end):
    assert CLIENT.open(WHOLE[:end]) is None


@fuzzed
@given(st.integers(0, len(WHOLE) * 8 - 1), st.binary(max_size=200))
def test_flipped_bits_and_anything_else_open_nothing(at, anything):
    changed = bytearray(WHOLE)
    changed[at // 8] ^= 1 << at % 8
    for data in (bytes(changed), anything, WHOLE[:24] + anything, WHOLE[:8] + anything):
        if data != WHOLE:
            assert CLIENT.open(data) is None
            CLIENT.replayed(data)
            is_data(data)


@fuzzed
@given(st.binary(max_size=200), st.text(max_size=200), st.integers(0, len(reply()) * 8 - 1))
def test_nothing_but_its_own_error_comes_of_any_bytes(data, text, at):
    flipped = bytearray(reply())
    flipped[at // 8] ^= 1 << at % 8
    for message in (data, reply()[:5] + data, reply()[:69] + data, bytes(flipped)):
        try:
            found = key_exchange.read_reply(message)
        except MalformedReplyError as exc:
            assert classify(exc) == "unknown_failure: malformed openvpn reply"
        else:
            assert found is None or len(found.first) == len(found.second) == 32
    begins = ("", "PUSH_REPLY,", "PUSH_REPLY,ifconfig ", "PUSH_REPLY,ifconfig-ipv6 ")
    for start in (*begins, "PUSH_REPLY,peer-id ", "PUSH_REPLY,route-gateway ", PUSHED + ","):
        for body in (text, data.decode("utf-8", "replace")):
            with contextlib.suppress(MalformedReplyError):
                for message in push.Messages().take((start + body).encode() + b"\0"):
                    if found := push.Reply().take(message):
                        assert found.way_to(None) is None or found.ends
    marking = sorted(Marking, key=str)[at % len(Marking)]
    unmark(marking, data)
    if data:
        assert unmark(marking, mark(marking, data)) == data
