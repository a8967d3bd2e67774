"""How filters know protocols by their first packets, whatever the address: no name is needed.

Written from what is published about each, and not from the probe's own codecs: OpenVPN by opcode
(Xue et al. 2022; nDPI, openvpn.c), WireGuard by type and length (OpenGFW, wireguard.go), IKE by its
header (RFC 7296 section 3.1), QUIC by its long header (RFC 9000 section 17.2), and fully encrypted
traffic by what it is not (Wu et al. 2023, the exemptions of section 4).
"""

from typing import Final

_RESETS: Final = {1, 7, 10}  # P_CONTROL_HARD_RESET_CLIENT_V1, V2, V3
_QUIC: Final = {0x00000001, 0x6B3343CF}


def shape_of(payload: bytes, *, tcp: bool) -> str | None:
    """The protocol that the first data of a client look like; None: nothing that is filtered."""
    if tcp:
        if _openvpn(payload[2:]) and int.from_bytes(payload[:2]) == len(payload) - 2:
            return "openvpn"
        return "encrypted" if _encrypted(payload) else None
    if len(payload) == 148 and payload[:4] == b"\1\0\0\0":
        return "wireguard"
    if _ike(payload) or (payload[:4] == bytes(4) and _ike(payload[4:])):
        return "ike"
    long = len(payload) >= 1200 and payload[0] & 0xC0 == 0xC0
    if long and (int.from_bytes(payload[1:5]) in _QUIC or payload[1] & 0xF == 0xA):
        return "quic"
    return "openvpn" if _openvpn(payload) else None


def _openvpn(packet: bytes) -> bool:
    """A client's first packet: its opcode, key number 0, and about the usual length."""
    return 14 <= len(packet) <= 1200 and packet[0] >> 3 in _RESETS and packet[0] & 7 == 0


def _ike(message: bytes) -> bool:
    return (
        len(message) >= 28
        and message[8:16] == bytes(8)
        and message[17] >> 4 in {1, 2, 3}
        and message[18] in {2, 34}
        and int.from_bytes(message[24:28]) == len(message)
    )


def _encrypted(payload: bytes) -> bool:
    """Whether none of the exemptions holds: what looks like nothing at all."""
    if not payload or payload[:3] in {b"\x16\x03\x01", b"\x16\x03\x03", b"\x17\x03\x03"}:
        return False
    if payload.startswith((b"GET ", b"PUT ", b"POST ", b"HEAD ")):
        return False
    bits = sum(octet.bit_count() for octet in payload) / len(payload)
    printable = [0x20 <= octet <= 0x7E for octet in payload]
    if not 3.4 < bits < 4.6 or all(printable[:6]) or sum(printable) > len(payload) / 2:
        return False
    run = longest = 0
    for one in printable:
        run = run + 1 if one else 0
        longest = max(longest, run)
    return longest <= 20
