"""probe.checks.mtproto: only an answer to this question counts, however it is dressed."""

import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from support.kits import run_check

from probe.checks import Imitable
from probe.checks.mtproto import MtprotoCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork

AT = Endpoint("192.0.2.8", 443)


def check(**options):
    return MtprotoCheck(host=AT.ip, port=AT.port, **options)


def run(serve, **options):
    return run_check(check(**options), FakeNetwork(tcp={AT: serve}))


def answer(asked):
    """A resPQ to an unencrypted req_pq_multi, with two keys."""
    body = struct.pack("<I", 0x05162463) + asked[24:40] + bytes(16)
    body += b"\x08" + bytes(11) + struct.pack("<IIQQ", 0x1CB5C415, 2, 5, 6)
    return struct.pack("<qqI", 0, 1, len(body)) + body


def framed(data):
    return struct.pack("<I", len(data)) + data


async def obfuscated(peer):
    """A server that speaks the intermediate transport under the keys in the first 64 octets."""
    data = await peer.receive()
    theirs = Cipher(AES(data[8:40]), CTR(data[40:56])).decryptor()
    clear = theirs.update(data)
    assert clear[56:60] == b"\xee" * 4
    back = data[8:56][::-1]
    ours = Cipher(AES(back[:32]), CTR(back[32:48])).encryptor()
    whole = ours.update(framed(answer(clear[68:])))
    for at in range(0, len(whole), 7):  # in pieces, as streams come
        peer.send(whole[at : at + 7])


async def clear(peer):
    data = await peer.receive()
    assert data[:8] == b"\xee" * 4 + struct.pack("<I", 40)
    peer.send(framed(answer(data[8:])))


@pytest.mark.parametrize(
    ("serve", "options"),
    [(obfuscated, {}), (clear, {"transport": "intermediate", "obfuscated": False})],
)
def test_an_answer_counts_and_tells_the_servers_keys(serve, options):
    done = run(serve, **options)
    assert [op for op, _, _ in done.ops()] == ["connect", "mtproto_req_pq"]
    step = done.only("mtproto_req_pq")
    assert (step.failure, step.detail["keys"]) == (None, ["0000000000000005", "0000000000000006"])


def test_a_transport_error_counts_too():
    async def refusing(peer):
        await peer.receive()
        peer.send(b"\1" + struct.pack("<i", -429))

    step = run(refusing, transport="abridged", obfuscated=False).only("mtproto_req_pq")
    assert (step.failure, step.detail["error_code"]) == (None, 429)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(200)])
@pytest.mark.parametrize("dressed", [True, False])
def test_garbage_is_no_answer(said, dressed):
    async def other(peer):
        await peer.receive()
        peer.send(said)
        peer.send(b"")

    step = run(other, obfuscated=dressed).only("mtproto_req_pq")
    assert step.failure in {"unknown_failure: malformed mtproto reply", "eof_error"}
    assert step.failure != "eof_error" or dressed  # under our keys it may announce a little more


def test_our_own_question_sent_back_is_no_answer():
    async def mirror(peer):
        peer.send((await peer.receive())[4:])

    step = run(mirror, transport="intermediate", obfuscated=False).only("mtproto_req_pq")
    assert step.failure == "unknown_failure: malformed mtproto reply"


def test_silence_and_a_close_are_told_apart():
    async def silent(peer):
        while await peer.receive():
            pass

    async def closing(peer):
        await peer.receive()
        peer.send(b"")

    step = run(silent).only("mtproto_req_pq")
    assert (step.failure, step.detail["dated"]) == ("generic_timeout_error", True)
    assert run(closing).only("mtproto_req_pq").failure == "eof_error"


def test_what_is_shown_to_strangers_has_the_same_shape():
    assert isinstance(check(), Imitable)
    packet = check(obfuscated=False, transport="intermediate").first_packet()
    assert (packet.transport, packet.payload[:8]) == ("tcp", b"\xee" * 4 + struct.pack("<I", 40))
    assert len(check().first_packet().payload) == 64 + 4 + 40
    assert 108 <= len(check(transport="padded").first_packet().payload) < 124
    assert [sending.what for sending in check().sends()] == ["MTProto req_pq_multi, obfuscated"]
