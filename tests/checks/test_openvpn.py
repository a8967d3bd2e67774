"""probe.checks.openvpn on a scripted network: what each way of answering leaves behind."""

import asyncio
import base64
import errno
import ssl
from pathlib import Path
from typing import Any

import pytest
from loopback.servers import Certificates
from pydantic import SecretStr
from support.authority import authority, ca_file
from support.authority import serving as certified
from support.kits import Done, run_check
from support.openvpn import CLIENT, PAIRS, STATIC, Server, pem, serving
from support.records import measured as record
from support.servers import closing, resetting, silent
from support.virtual import DAY

from probe.checks import BUILT_IN, Check, Imitable
from probe.checks.openvpn import OpenVpnTcpCheck, OpenVpnUdpCheck
from probe.checks.secret import SecretError
from probe.core.address import Endpoint
from probe.judge.deciding import deciding
from probe.net.fake import FakeNetwork, Serve, os_error
from probe.plan.target import parse_target, secrets_of
from probe.wire.openvpn.packets import Opcode, Packet
from probe.wire.openvpn.wrapping import TlsAuth

AT = Endpoint("192.0.2.7", 1194)
KIND = "OpenVPN Static key V1"
UNAUTHENTICATED = "unknown_failure: unauthenticated openvpn reply"
MALFORMED = "unknown_failure: malformed openvpn reply"
TIMEOUT = "generic_timeout_error"


@pytest.fixture
def static(tmp_path: Path) -> str:
    path = tmp_path / "static.key"
    path.write_bytes(pem(KIND, STATIC))
    return str(path)


def udp(**options: Any) -> OpenVpnUdpCheck:
    return OpenVpnUdpCheck(host=AT.ip, port=AT.port, **options)


def tcp(**options: Any) -> OpenVpnTcpCheck:
    return OpenVpnTcpCheck(host=AT.ip, port=AT.port, **options)


def measured(check: Check, serve: Serve | OSError, **more: Any) -> Done:
    net = (
        FakeNetwork(tcp={AT: serve}) if check.name.endswith("tcp") else FakeNetwork(udp={AT: serve})
    )
    return run_check(check, net, **more)


def server(kind: str = "none", **more: Any) -> Server:
    return Server(PAIRS[kind][1](), **more)


def vpn(kind: str = "none", *, over_tcp: bool = False, **more: Any) -> Serve:
    return serving(server(kind), certified("vpn.example"), tcp=over_tcp, **more)


# --- an answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [udp, tcp])
def test_reset_and_handshake_lead_to_the_certificate(make: Any) -> None:
    done = measured(make(ca_file=ca_file()), vpn(over_tcp=make is tcp))
    dialled = [("connect", 1, None)] if make is tcp else []
    assert done.ops() == [*dialled, ("openvpn_reset", 1, None), ("tls_handshake", 1, None)]
    reset, tls = done.only("openvpn_reset").detail, done.only("tls_handshake").detail
    assert reset.pop("strays", 0) == 0
    assert reset == {
        "wrapping": "none",
        "keyed": False,
        "authenticated": False,
        "packets": 1,
        "bytes_sent": 14,
        "bytes": 26,
    }
    assert (tls["inside"], tls["verify"], tls["tls_version"]) == ("openvpn", True, "TLSv1.3")
    assert "server_name" not in tls
    assert tls["leaf"]["names"] == ["vpn.example"]
    assert len(done.kept) == len(tls["peer_certificates"]) > 0


def test_without_authorities_the_certificate_is_recorded_and_not_judged() -> None:
    tls = measured(udp(), vpn()).only("tls_handshake")
    assert (tls.failure, tls.detail["verify"]) == (None, False)
    assert tls.detail["leaf"]["names"] == ["vpn.example"]


def test_neither_the_systems_authorities_nor_the_configurations_are_asked(tmp_path: Path) -> None:
    stranger = Certificates(tmp_path).ca_file
    done = measured(udp(ca_file=stranger), vpn(), ca_file=ca_file())
    assert done.only("tls_handshake").failure == "ssl_unknown_authority"
    assert done.only("tls_handshake").detail["leaf"]["names"] == ["vpn.example"]


@pytest.mark.parametrize("make", [udp, tcp])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("tls-auth", {"tls_auth_file": ...}),
        ("tls-auth-1", {"tls_auth_file": ..., "digest": "SHA256", "key_direction": 1}),
        ("tls-auth-0", {"tls_auth_file": ..., "digest": "SHA512", "key_direction": 0}),
        ("tls-crypt", {"tls_crypt_file": ...}),
    ],
)
def test_an_answer_that_was_made_with_the_key_is_authentic(
    static: str, make: Any, kind: str, options: dict[str, Any]
) -> None:
    given = {key: static if value is ... else value for key, value in options.items()}
    done = measured(make(**given), vpn(kind, over_tcp=make is tcp))
    detail = done.only("openvpn_reset").detail
    assert (detail["wrapping"], detail["authenticated"], detail["keyed"]) == (
        kind.removesuffix("-0").removesuffix("-1"),
        True,
        False,
    )
    assert detail.get("digest") == (given.get("digest", "SHA1") if "auth" in kind else None)
    assert done.ops()[-1] == ("tls_handshake", 1, None)


# --- none ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyed", [True, False])
def test_silence_says_whether_a_key_was_given(static: str, keyed: bool) -> None:
    done = measured(udp(**({} if keyed else {"tls_crypt_file": static})), silent)
    (step,) = done.steps
    assert (step.op, step.failure, step.t - step.t0) == ("openvpn_reset", TIMEOUT, 10.0)
    assert (step.detail["keyed"], step.detail["packets"]) == (keyed, 3)
    assert "authenticated" not in step.detail


def test_silence_ends_with_the_measurement_where_that_is_shorter() -> None:
    (step,) = measured(udp(), silent, budget=3.0).steps
    assert step.failure == TIMEOUT
    assert step.t < 3.0


@pytest.mark.parametrize(
    ("make", "serve", "op", "failure"),
    [
        (udp, os_error(errno.ENETUNREACH), "openvpn_reset", "network_unreachable"),
        (tcp, os_error(errno.ECONNREFUSED), "connect", "connection_refused"),
        (tcp, closing, "openvpn_reset", "eof_error"),
        (tcp, resetting, "openvpn_reset", "connection_reset"),
        (tcp, silent, "openvpn_reset", TIMEOUT),
        (udp, resetting, "openvpn_reset", "connection_reset"),
    ],
)
def test_what_the_network_does_has_its_usual_name(
    make: Any, serve: Any, op: str, failure: str
) -> None:
    step = measured(make(), serve).steps[-1]
    assert (step.op, step.failure) == (op, failure)


def test_a_closed_port_says_so() -> None:
    async def closed(peer: Any) -> None:
        await peer.receive()
        peer.outbox.put_nowait(os_error(errno.ECONNREFUSED))

    (step,) = measured(udp(), closed).steps
    assert step.failure == "connection_refused"


# --- something else ------------------------------------------------------------------------------


def flip_last(packet: bytes) -> bytes:
    return packet[:-1] + bytes([packet[-1] ^ 1])


def flip_hmac(packet: bytes) -> bytes:
    return packet[:9] + bytes([packet[9] ^ 1]) + packet[10:]


@pytest.mark.parametrize("change", [flip_last, flip_hmac])
@pytest.mark.parametrize("make", [udp, tcp])
def test_an_answer_that_the_key_has_not_made_is_named_as_such(
    static: str, make: Any, change: Any
) -> None:
    done = measured(
        make(tls_auth_file=static), vpn("tls-auth", over_tcp=make is tcp, change=change)
    )
    step = done.only("openvpn_reset")
    assert step.failure == UNAUTHENTICATED
    assert step.detail["error"] == "its HMAC was not made with this key"
    assert "plain" not in step.detail


@pytest.mark.parametrize("make", [udp, tcp])
@pytest.mark.parametrize("option", ["tls_auth_file", "tls_crypt_file"])
def test_an_answer_in_plain_to_a_keyed_question_is_named_as_such(
    static: str, make: Any, option: str
) -> None:
    async def plain(peer: Any) -> None:
        data = await peer.receive()
        asked = data[2:] if make is tcp else data
        told = bytes([0x40]) + b"serversi" + b"\x01" + bytes(4) + asked[1:9] + bytes(4)
        peer.send(len(told).to_bytes(2, "big") + told if make is tcp else told)

    step = measured(make(**{option: static}), plain).only("openvpn_reset")
    assert (step.failure, step.detail["plain"]) == (UNAUTHENTICATED, True)
    assert step.t - step.t0 < 1.5  # whoever forged it would have been overtaken by then


def test_a_forged_answer_in_plain_does_not_hide_the_genuine_one(static: str) -> None:
    genuine = vpn("tls-auth")

    async def both(peer: Any) -> None:
        asked = await peer.receive()
        peer.send(bytes([0x40]) + b"forgery!" + b"\x01" + bytes(4) + asked[1:9] + bytes(4))
        await asyncio.sleep(0.4)
        peer.inbox.put_nowait(asked)
        await genuine(peer)

    done = measured(udp(tls_auth_file=static), both)
    assert done.ops() == [("openvpn_reset", 1, None), ("tls_handshake", 1, None)]
    assert done.only("openvpn_reset").detail["strays"] == 1


def test_garbage_is_no_silence_and_no_answer() -> None:
    async def babbling(peer: Any) -> None:
        while await peer.receive():
            peer.send(b"not OpenVPN at all")

    step = measured(udp(), babbling).only("openvpn_reset")
    assert (step.failure, step.detail["strays"]) == (MALFORMED, 3)


def test_an_answer_to_somebody_else_is_no_answer() -> None:
    stranger = server()
    theirs = Packet(opcode=Opcode.HARD_RESET_CLIENT_V2, session=b"somebody", number=0)

    async def misled(peer: Any) -> None:
        while await peer.receive():
            peer.send(stranger.reset(theirs))

    step = measured(udp(), misled).only("openvpn_reset")
    assert (step.failure, step.detail["error"]) == (MALFORMED, "bound to no packet that was sent")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "announces a packet of 21331 bytes"),
        (b"\x00\x00", "announces a packet of 0 bytes"),
        (b"\x00\x03abc", "3 bytes are no packet"),
        (b"\x00\x0e\x00" + bytes(13), "opcode 0"),
    ],
)
def test_another_protocol_over_tcp_is_told_at_once(said: bytes, error: str) -> None:
    async def other(peer: Any) -> None:
        await peer.receive()
        peer.send(said)

    step = measured(tcp(), other).only("openvpn_reset")
    assert (step.failure, step.detail["error"]) == (MALFORMED, error)


# --- the handshake -------------------------------------------------------------------------------


def test_a_server_that_answers_the_reset_and_nothing_more_fails_in_the_handshake() -> None:
    done = measured(udp(), serving(server(unwilling=True)))
    assert done.ops() == [("openvpn_reset", 1, None), ("tls_handshake", 1, TIMEOUT)]
    assert done.only("tls_handshake").detail["packets"] == 4  # at 0, 1, 3 and 7 s


@pytest.mark.parametrize("lost", range(1, 7))
def test_each_packet_of_the_server_may_be_lost_once(lost: int) -> None:
    there = server()
    answering = serving(there, certified("vpn.example"))
    numbers = iter(range(1, 100))

    class Losing:
        def __init__(self, peer: Any) -> None:
            self.receive, self._peer = peer.receive, peer

        def send(self, packet: bytes) -> None:
            if next(numbers) != lost:
                self._peer.send(packet)

    async def serve(peer: Any) -> None:
        async def again() -> None:
            while True:  # what every server does: a timer of its own
                await asyncio.sleep(2.0)
                for packet in there.again():
                    peer.send(packet)

        timer = asyncio.create_task(again())
        await answering(Losing(peer))
        timer.cancel()

    done = measured(udp(ca_file=ca_file()), serve)
    assert done.ops() == [("openvpn_reset", 1, None), ("tls_handshake", 1, None)]


@pytest.mark.parametrize("make", [udp, tcp])
def test_a_server_of_an_older_tls_that_demands_a_certificate_is_known_by_its_signature(
    make: Any,
) -> None:
    context = authority().context("vpn.example", "valid")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    for trusted, failure in ((ca_file(), None), (None, None)):
        done = measured(make(ca_file=trusted), serving(server(), context, tcp=make is tcp))
        tls = done.only("tls_handshake")
        assert (tls.failure, tls.detail["tls_version"]) == (failure, None)
        assert tls.detail["cipher_suite"].startswith("ECDHE-")
        assert tls.detail["leaf"]["names"] == ["vpn.example"]


def test_over_tcp_a_packet_that_is_none_ends_the_handshake() -> None:
    sent: list[bytes] = []

    def breaking(packet: bytes) -> bytes:
        sent.append(packet)
        return packet if len(sent) == 1 else b"\x00"

    done = measured(tcp(), vpn(over_tcp=True, change=breaking))
    assert done.ops()[-1] == ("tls_handshake", 1, MALFORMED)


def test_over_udp_it_is_counted_and_passed_over() -> None:
    def doubled(peer: Any) -> Any:
        return vpn()(Doubling(peer))

    class Doubling:
        def __init__(self, peer: Any) -> None:
            self.receive, self._peer = peer.receive, peer
            self._first = True

        def send(self, packet: bytes) -> None:
            if not self._first:
                self._peer.send(b"junk")
            self._first = False
            self._peer.send(packet)

    step = measured(udp(), doubled).only("tls_handshake")
    assert step.failure is None
    assert step.detail["strays"] >= 1


# --- options -------------------------------------------------------------------------------------


def test_every_address_is_asked_with_a_session_of_its_own() -> None:
    seen: list[bytes] = []

    async def noting(peer: Any) -> None:
        seen.append(await peer.receive())

    others = ("192.0.2.8", "192.0.2.9")
    net = FakeNetwork(udp={Endpoint(ip, 1194): noting for ip in others})
    check = OpenVpnUdpCheck(host="vpn.example", port=1194, addresses=others)
    done = run_check(check, net)
    assert {step.address for step in done.steps if step.address} == {f"{ip}:1194" for ip in others}
    assert len({data[1:9] for data in seen}) == len(others)


def test_a_replay_id_holds_the_date(static: str) -> None:
    seen: list[bytes] = []

    async def noting(peer: Any) -> None:
        seen.append(await peer.receive())

    measured(udp(tls_crypt_file=static), noting)
    assert int.from_bytes(seen[0][13:17], "big") == int(DAY.timestamp())


def test_what_is_recorded_decides() -> None:
    done = measured(udp(), vpn())
    whole = record("openvpn+udp", done.steps)
    assert deciding(whole).succeeded
    cut_off = record("openvpn+udp", done.steps[:1])
    assert not deciding(cut_off).succeeded


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("openvpn+udp://h?digest=SHA9", "'SHA9' is no digest"),
        ("openvpn+udp://h?key_direction=2", "less than or equal to 1"),
        ("openvpn+udp://h?tls_auth=abc", "unknown key"),
        ("openvpn+udp://h?tls_auth_file=a&tls_crypt_env=B", "give one of tls_auth and tls_crypt"),
        ("openvpn+tcp://u:p@h", "takes no user name or password"),
        ("openvpn://h", "did you mean openvpn+"),
        ("openvpn+udp://h/path", "takes no path"),
    ],
)
def test_a_wrong_option_is_told(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("+", r"\+")):
        parse_target(url)


def test_options_may_be_written_as_openvpn_writes_them() -> None:
    check: Any = parse_target("openvpn+udp://h?digest=RSA-SHA256&key_direction=none").check
    assert (check.port, check.digest, check.key_direction) == (1194, "SHA256", None)
    check = parse_target("openvpn+tcp://h:443?key_direction=1").check
    assert (check.port, check.key_direction) == (443, 1)


def test_a_key_that_is_not_there_or_none_is_told_before_anything_is_sent(
    static: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    udp(tls_auth_file=static).require()
    monkeypatch.setenv("KEY", pem(KIND, STATIC).decode())
    udp(tls_crypt_env="KEY").require()
    broken = tmp_path / "broken"
    broken.write_bytes(pem(KIND, STATIC[:8]))
    for options, said in (
        ({"tls_auth_file": f"{static}x"}, "no such file"),
        ({"tls_auth_file": str(broken)}, "the key holds 8 bytes in place of 256"),
        ({"tls_crypt_v2_file": static}, "the key is a 'OpenVPN Static key V1', not a"),
        ({"tls_crypt_env": "NO_SUCH"}, "the environment has no NO_SUCH"),
        ({"ca_file": static}, "no certificates in PEM form"),
        ({"ca_file": f"{static}x"}, "no such file"),
        ({"ca": "none", "ca_file": static}, "give ca or ca_file, not both"),
    ):
        with pytest.raises(SecretError, match=said) as caught:
            udp(**options).require()
        assert caught.value.key[0] in options


def test_a_target_with_a_key_is_private_and_its_key_shows_nowhere(static: str) -> None:
    check = udp(tls_auth_file=static, ca_file=ca_file())
    assert secrets_of(check) == ("tls_auth_file",)
    assert secrets_of(udp(ca_file=ca_file())) == ()
    inline = udp(tls_crypt=SecretStr(pem(KIND, STATIC).decode()))
    inline.require()
    assert secrets_of(inline) == ("tls_crypt",)
    assert STATIC.hex()[:16] not in repr(inline)


@pytest.mark.parametrize("kind", ["none", "tls-auth-1", "tls-crypt", "tls-crypt-v2"])
@pytest.mark.parametrize("make", [udp, tcp])
def test_the_first_packet_has_the_shape_of_the_real_one_and_nothing_of_it(
    tmp_path: Path, make: Any, kind: str
) -> None:
    key = tmp_path / "key"
    options: dict[str, Any] = {}
    if kind == "tls-crypt-v2":
        text = base64.encodebytes(CLIENT.key + CLIENT.wrapped).decode()
        name = "OpenVPN tls-crypt-v2 client key"
        key.write_text(f"-----BEGIN {name}-----\n{text}-----END {name}-----\n")
        options = {"tls_crypt_v2_file": str(key)}
    elif kind != "none":
        key.write_bytes(pem(KIND, STATIC))
        options = {f"{kind.removesuffix('-1').replace('-', '_')}_file": str(key)}
        options |= {"digest": "SHA256", "key_direction": 1} if kind == "tls-auth-1" else {}
    check = make(**options)
    assert isinstance(check, Imitable)
    seen: list[bytes] = []

    async def noting(peer: Any) -> None:
        seen.append(await peer.receive())

    measured(check, noting)
    first, second = check.first_packet(), check.first_packet()
    assert first.transport == ("tcp" if make is tcp else "udp")
    assert len(first.payload) == len(seen[0])
    start = 2 if make is tcp else 0
    assert first.payload[: start + 1] == seen[0][: start + 1]
    assert first.payload != second.payload
    if kind == "tls-auth-1":
        with pytest.raises(Exception, match="HMAC"):
            TlsAuth(STATIC, "SHA256", 0).open(first.payload[start:])
    if kind == "tls-crypt-v2":
        assert CLIENT.wrapped[:-2] not in first.payload
        assert first.payload[-2:] == CLIENT.wrapped[-2:]


def test_the_plan_says_what_is_readable_on_the_way(static: str) -> None:
    (sending,) = udp(tls_auth_file=static).sends()
    assert (sending.host, sending.port, sending.transport) == (AT.ip, AT.port, "udp")
    assert sending.what.startswith("OpenVPN reset over UDP (tls-auth), then TLS")
    (sending,) = tcp().sends()
    assert (sending.transport, "(without a key)" in sending.what) == ("tcp", True)
    assert {"openvpn+udp", "openvpn+tcp"} <= BUILT_IN.keys()
