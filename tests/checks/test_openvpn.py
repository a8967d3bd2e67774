"""probe.checks.openvpn on a scripted network: what each way of answering leaves behind."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest
from loopback.servers import Certificates
from support.authority import ca_file
from support.openvpn_checks import (
    MALFORMED,
    TIMEOUT,
    UNAUTHENTICATED,
    measured,
    server,
    static_key,
    tcp,
    udp,
    vpn,
)
from support.servers import closing, resetting, silent

from probe.net.fake import os_error
from probe.wire.openvpn.packets import Opcode, Packet


@pytest.fixture
def static(tmp_path: Path) -> str:
    return static_key(tmp_path)


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
