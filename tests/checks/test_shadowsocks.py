"""probe.checks.shadowsocks: only what the password opens is proof, and it shows nowhere itself."""

import dns.message
import pytest
from pydantic import SecretStr
from support.kits import run_check
from support.origins import no_such_name
from wire import ss_server

from probe.checks import Imitable
from probe.checks.secret import SecretError
from probe.checks.shadowsocks import ShadowsocksCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.target import OptionError, parse_target, secrets_of
from probe.wire.shadowsocks import key_of
from probe.wire.socks5 import place

AT = Endpoint("192.0.2.8", 8388)
SECRET = "hunter2"
METHOD = "chacha20-ietf-poly1305"
KEY = key_of(SECRET.encode(), METHOD)
MALFORMED = "unknown_failure: malformed shadowsocks reply"


def check(**options):
    given = {"password": SecretStr(SECRET), **options}
    return ShadowsocksCheck(host=AT.ip, port=AT.port, **given)


def run(serve, **options):
    return run_check(check(**options), FakeNetwork(tcp={AT: serve}, udp={AT: serve}))


def relaying(*pieces, seen=None):
    """A server that answers a request with these pieces of bytes."""

    async def serve(peer):
        data = await peer.receive()
        if seen is not None:
            seen.append(ss_server.received(METHOD, KEY, data))
        for piece in pieces:
            peer.send(piece)

    return serve


def test_what_the_password_opens_is_proof_and_tells_the_web_server_s_status():
    seen = []
    whole = ss_server.answer(METHOD, KEY, b"HTTP/1.1 301 Moved\r\n")
    done = run(relaying(whole[:40], whole[40:], seen=seen), to="shop.example:8080")
    assert done.ops() == [("connect", 1, None), ("shadowsocks_relay", 1, None)]
    detail = done.only("shadowsocks_relay").detail
    assert (detail["authenticated"], detail["status"], detail["bytes"]) == (True, 301, len(whole))
    (said,) = seen
    assert said.startswith(place("shop.example", 8080) + b"HEAD / HTTP/1.1\r\n")
    assert b"Host: shop.example:8080\r\n" in said


def test_a_target_of_any_kind_proves_it():
    done = run(relaying(ss_server.answer(METHOD, KEY, b"220 mail.example\r\n")))
    step = done.only("shadowsocks_relay")
    assert (step.failure, step.detail["status"]) == (None, None)


@pytest.mark.parametrize(
    ("pieces", "failure"),
    [
        ([b""], "eof_error"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(60)], MALFORMED),
        ([ss_server.answer(METHOD, key_of(b"another", METHOD), b"x")], MALFORMED),
        ([ss_server.answer(METHOD, KEY, b"x")[:-1], b""], "eof_error"),
        ([], "generic_timeout_error"),
    ],
)
def test_everything_else_proves_nothing(pieces, failure):
    step = run(relaying(*pieces)).only("shadowsocks_relay")
    assert (step.failure, step.detail["authenticated"]) == (failure, False)


def naming(*answers):
    """A server that relays a query, and answers it so."""

    async def serve(peer):
        while data := await peer.receive():
            plain = ss_server.cipher(METHOD, KEY, data[:32]).decrypt(bytes(12), data[32:], None)
            where = place("1.1.1.1", 53)
            assert plain.startswith(where)
            for answer in answers:
                said = where + answer(plain[len(where) :])
                peer.send(ss_server.datagram(METHOD, KEY, said))

    return serve


def other_id(query):
    answer = dns.message.from_wire(no_such_name(query))
    answer.id ^= 1
    return answer.to_wire()


def test_over_udp_the_answer_to_our_query_is_the_proof():
    done = run(naming(bytes, other_id, no_such_name), transport="udp")
    step = done.only("shadowsocks_datagram")
    assert (step.failure, step.detail["rcode"]) == (None, "NXDOMAIN")
    assert (step.detail["strays"], step.detail["authenticated"]) == (2, True)
    assert done.ops() == [("shadowsocks_datagram", 1, None)]


def test_over_udp_what_is_no_answer_to_it_is_waited_past():
    step = run(naming(bytes, other_id), transport="udp").only("shadowsocks_datagram")
    assert (step.failure, step.detail["authenticated"]) == ("generic_timeout_error", False)


def test_without_a_password_silence_is_marked_as_saying_nothing():
    done = run(relaying(), password=None, transport="both")
    for op in ("shadowsocks_relay", "shadowsocks_datagram"):
        step = done.only(op)
        assert (step.failure, step.detail["keyed"]) == ("generic_timeout_error", True)


def test_a_password_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "word"
    path.write_text(f"{SECRET}\n")
    monkeypatch.setenv("WORD", SECRET)
    for options in ({"password_file": str(path)}, {"password_env": "WORD"}):
        serve = relaying(ss_server.answer(METHOD, KEY, b"x"))
        done = run(serve, password=None, **options)
        assert done.only("shadowsocks_relay").failure is None
        assert SECRET not in str(done.steps)
    with pytest.raises(SecretError, match="no ANOTHER"):
        check(password=None, password_env="ANOTHER").require()


def test_a_password_in_a_url_makes_the_target_private_and_shows_nowhere():
    aim = parse_target(f"shadowsocks://aes-128-gcm:{SECRET}@{AT}?transport=both")
    assert secrets_of(aim.check) == ("password",)
    assert (aim.check.method, aim.check.transport) == ("aes-128-gcm", "both")
    assert SECRET not in repr(aim) + aim.url + str(list(aim.check.sends()))


def test_mistakes_are_told_at_once():
    with pytest.raises(OptionError, match="aes-256-gcm"):
        parse_target(f"shadowsocks://rc4-md5:{SECRET}@{AT}")
    with pytest.raises(ValueError, match="no host and port"):
        parse_target(f"shadowsocks://{AT}?to=shop.example")
    with pytest.raises(ValueError, match="a port is needed"):
        parse_target("shadowsocks://vpn.example")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_its_first_packet_is_of_the_usual_length_and_random(transport):
    lengths = []

    async def serve(peer):
        lengths.append(len(await peer.receive()))

    made = check(transport=transport)
    run(serve, transport=transport)
    assert isinstance(made, Imitable)
    packets = [made.first_packet() for _ in range(2)]
    assert {packet.transport for packet in packets} == {transport}
    assert packets[0].payload != packets[1].payload
    # A page's head is asked for under whatever name the browser has.
    (length, *_) = lengths
    near = 0 if transport == "udp" else 150
    assert abs(len(packets[0].payload) - length) <= near


def test_the_plan_says_what_is_sent_and_relayed():
    tcp, udp = check(transport="both").sends()
    assert (tcp.transport, udp.transport) == ("tcp", "udp")
    assert "www.example.com:80" in tcp.what
    assert "1.1.1.1:53" in udp.what
    (stranger,) = check(password=None).sends()
    assert stranger.what.endswith("under a password that nobody knows")
