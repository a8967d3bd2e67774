"""probe.wire.openvpn: packets, keys and wrappings, and whatever else somebody may send."""

import base64
import contextlib
import hmac
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed, sampled
from support.openvpn import CLIENT, OTHER, PAIRS, RESEND_WKC, STATIC, WRAPPED, pem

from probe.core.failure import MalformedReplyError, classify
from probe.wire.openvpn.control import Control
from probe.wire.openvpn.keys import (
    CLIENT_V2,
    KeyFormatError,
    read_client_v2,
    read_static,
)
from probe.wire.openvpn.keys import STATIC as STATIC_KIND
from probe.wire.openvpn.packets import Opcode, Packet, read_packet, wants_key_again
from probe.wire.openvpn.wrapping import NotAuthenticError, Stamp, TlsAuth, TlsCrypt

SESSION = bytes.fromhex("0102030405060708")
SERVER = bytes.fromhex("5152535455565758")
STAMP = Stamp(7, 1_500_336_000)
ANSWER = Packet(
    opcode=Opcode.HARD_RESET_SERVER_V2,
    session=SERVER,
    acks=(0,),
    acknowledged=SESSION,
    number=0,
)
each_wrapping = pytest.mark.parametrize("name", PAIRS)
sessions = st.binary(min_size=8, max_size=8)
numbers = st.integers(0, 2**32 - 1)


@st.composite
def packets(draw):
    """Any packet of the control channel."""
    control = [code for code in Opcode if code not in {Opcode.DATA_V1, Opcode.DATA_V2}]
    opcode = draw(st.sampled_from(control))
    acks = tuple(draw(st.lists(numbers, max_size=8)))
    bare = opcode is Opcode.ACK_V1
    return Packet(
        opcode=opcode,
        session=draw(sessions),
        number=None if bare else draw(numbers),
        acks=acks,
        acknowledged=draw(sessions) if acks else None,
        payload=b"" if bare else draw(st.binary(max_size=64)),
        key_id=draw(st.integers(0, 7)),
    )


def control(name="none"):
    return Control(PAIRS[name][0](), SESSION, STAMP.time, repeats=True)


def answer(name, packet=ANSWER):
    """What a server with this wrapping sends."""
    return PAIRS[name][1]().seal(packet.head(), packet.body(), STAMP)


# --- what goes out -------------------------------------------------------------------------------


def test_a_plain_reset_is_what_the_protocol_says():
    assert control().reset().hex() == "38" + SESSION.hex() + "00" + "00000000"


def test_tls_auth_signs_what_stands_behind_and_before_it():
    sent = control("tls-auth-1").reset()
    head, made, stamp, body = sent[:9], sent[9:41], sent[41:49], sent[49:]
    assert (head[0], stamp) == (0x38, struct.pack("!II", 1, STAMP.time))
    assert made == hmac.digest(STATIC[192:224], stamp + head + body, "sha256")


def test_tls_crypt_v2_announces_that_it_knows_cookies_and_carries_its_key():
    sent = control("tls-crypt-v2").reset()
    assert sent[0] == 0x50
    assert sent[9:13].hex() == "0f000001"
    assert sent.endswith(WRAPPED)


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("none", 14),
        ("tls-auth", 42),
        ("tls-auth-1", 54),
        ("tls-auth-0", 86),
        ("tls-crypt", 54),
        ("tls-crypt-v2", 54 + len(WRAPPED)),
    ],
)
def test_a_reset_has_the_length_of_a_real_one(name, length):
    assert len(control(name).reset()) == length


@each_wrapping
def test_what_is_sent_again_is_made_anew_where_there_is_a_replay_id(name):
    speaking = control(name)
    first, second = speaking.reset(), speaking.reset()
    assert (first == second) is (name == "none")


# --- what comes in -------------------------------------------------------------------------------


@sampled
@given(packets())
def test_packets_are_read_as_they_were_written(packet):
    assert read_packet(packet.head(), packet.body()) == packet


@sampled
@given(packets(), st.sampled_from(sorted(PAIRS)), numbers, numbers)
def test_wrapped_packets_are_opened_as_they_were_sealed(packet, name, number, time):
    opened = PAIRS[name][0]().open(
        PAIRS[name][1]().seal(packet.head(), packet.body(), Stamp(number, time))
    )
    assert read_packet(*opened) == packet


def test_more_acknowledgements_than_a_packet_holds_are_refused():
    packet = Packet(
        opcode=Opcode.CONTROL_V1, session=SERVER, acks=(1,) * 9, acknowledged=SESSION, number=1
    )
    with pytest.raises(MalformedReplyError):
        read_packet(packet.head(), packet.body())


@each_wrapping
def test_the_answer_is_bound_by_our_own_session(name):
    assert control(name).answer(answer(name))
    stranger = Packet(
        opcode=ANSWER.opcode, session=SERVER, acks=(0,), acknowledged=bytes(8), number=0
    )
    assert not control(name).answer(answer(name, stranger))


@each_wrapping
def test_every_truncation_is_refused_or_shorter(name):
    whole = answer(name)
    for length in range(len(whole)):
        with pytest.raises(MalformedReplyError):
            control(name).answer(whole[:length])


@pytest.mark.parametrize("name", [name for name in PAIRS if name != "none"])
def test_every_bit_counts_where_there_is_a_key(name):
    whole = answer(name)
    for at in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises(MalformedReplyError):
            control(name).answer(bytes(flipped))


def test_flipped_bits_of_a_plain_answer_are_no_answer_or_the_servers_own_session():
    whole = answer("none")
    for at in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[at // 8] ^= 1 << at % 8
        with contextlib.suppress(MalformedReplyError):
            assert control().answer(bytes(flipped)) is (1 <= at // 8 <= 8)


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        (TlsAuth(STATIC, "SHA1", None), TlsAuth(OTHER, "SHA1", None)),
        (TlsAuth(STATIC, "SHA1", None), TlsAuth(STATIC, "SHA256", None)),
        (TlsAuth(STATIC, "SHA1", 1), TlsAuth(STATIC, "SHA1", 1)),
        (TlsCrypt(STATIC), TlsCrypt(STATIC)),  # both ends as clients
        (TlsCrypt(STATIC), TlsAuth(STATIC, "SHA1", None)),
        (TlsAuth(STATIC, "SHA1", None), TlsCrypt(STATIC)),
    ],
)
def test_another_key_digest_or_direction_is_told_as_such(mine, other):
    with pytest.raises(NotAuthenticError):
        mine.open(other.seal(ANSWER.head(), ANSWER.body(), STAMP))


def test_a_plain_answer_to_a_keyed_question_is_recognised():
    for name in PAIRS:
        assert control(name).answered_plainly(answer("none"))
    assert not control("tls-auth").answered_plainly(answer("tls-auth"))
    assert not control("tls-auth").answered_plainly(b"")


@fuzzed
@given(st.binary(max_size=120))
def test_nothing_but_its_own_error_comes_of_any_bytes(data):
    speaking = control(sorted(PAIRS)[len(data) % len(PAIRS)])
    for take in (speaking.answer, speaking.take):
        try:
            assert take(data) is False
        except MalformedReplyError as exc:
            assert classify(exc) == "unknown_failure: malformed openvpn reply"
    assert speaking.answered_plainly(data) is False
    head = bytes([len(data) % 32 << 3]) + SESSION
    with contextlib.suppress(MalformedReplyError):
        packet = read_packet(head, data)
        assert packet.head() + packet.body() == head + data
    wants_key_again(data)
    for read in (read_static, read_client_v2):
        for begins in (b"", pem(STATIC_KIND, STATIC)[:39], client_file()[:47]):
            with contextlib.suppress(KeyFormatError):
                read(begins + data)


def test_the_wish_for_the_key_is_found_among_others():
    unknown = struct.pack("!HH3s", 9, 3, b"abc")
    assert wants_key_again(unknown + RESEND_WKC)
    assert not wants_key_again(unknown)
    assert not wants_key_again(RESEND_WKC[:-1])
    assert not wants_key_again(bytes.fromhex("000100020002"))


# --- key files -----------------------------------------------------------------------------------


def client_file(data=STATIC + WRAPPED):
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN {CLIENT_V2}-----\n{text}-----END {CLIENT_V2}-----\n".encode()


def test_keys_are_read_as_openvpn_writes_them():
    commented = b"#\n# 2048 bit OpenVPN static key\n#\n" + pem(STATIC_KIND, STATIC)
    assert read_static(commented) == STATIC
    assert read_static(commented.replace(b"\n", b"\r\n")) == STATIC
    assert read_client_v2(client_file()) == CLIENT


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (read_static, b"", "has no line '-----BEGIN OpenVPN Static key V1-----'"),
        (read_static, pem("PRIVATE KEY", STATIC), "is a 'PRIVATE KEY', not a 'OpenVPN Static"),
        (read_static, client_file(), "is a 'OpenVPN tls-crypt-v2 client key', not a"),
        (read_static, pem(STATIC_KIND, STATIC).split(b"-----END")[0], "has no line '-----END"),
        (read_static, pem(STATIC_KIND, STATIC[:-1]), "holds 255 bytes in place of 256"),
        (read_static, pem(STATIC_KIND, STATIC).replace(b"00", b"zz", 1), "no hexadecimal text"),
        (read_client_v2, pem(STATIC_KIND, STATIC), "is a 'OpenVPN Static key V1', not a"),
        (read_client_v2, client_file(STATIC), "holds 0 bytes after the key"),
        (read_client_v2, client_file(STATIC + WRAPPED + WRAPPED), "that was cut off"),
        (read_client_v2, client_file(STATIC + bytes(2000)), "holds 2000 bytes after the key"),
        (read_client_v2, client_file().replace(b"AAEC", b"A*EC", 1), "no base64"),
    ],
)
def test_what_is_no_key_is_told_without_what_is_in_it(read, text, said):
    with pytest.raises(KeyFormatError, match=said) as caught:
        read(text)
    assert STATIC.hex()[:32] not in str(caught.value)


def test_a_chance_word_in_the_base64_does_not_make_it_another_key():
    # "V1" stands by chance in one client key of six: what a file is, its BEGIN line says.
    data = base64.b64decode("V1V1") * 100
    wrapped = data[: 290 - 2] + struct.pack("!H", 290)
    assert read_client_v2(client_file(STATIC + wrapped)).wrapped == wrapped


def test_keys_do_not_show():
    assert repr(CLIENT) == "ClientKey()"
