"""What follows OpenVPN's handshake for a user: the key exchange, and the options that are pushed.

A server judges our certificate after its own handshake is over, and a password after the key
exchange. So what fails here follows from the credentials as likely as from the path; where the
server says so itself, by an alert or by ``AUTH_FAILED``, the failure is named by that. Reasons that
it gives are not recorded as they are: they may repeat who we are.
"""

import asyncio
import math
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Final, NamedTuple

from probe.checks.kit import Kit
from probe.checks.openvpn_channel import Channel
from probe.checks.openvpn_credentials import Credentials
from probe.core.address import Endpoint
from probe.core.failure import CREDENTIALS, UNKNOWN, EndOfStreamError, NamedFailure
from probe.core.model import JSON
from probe.net.tls import TlsStream
from probe.wire.icmp_echo import Echo
from probe.wire.openvpn import push
from probe.wire.openvpn.compression import Marking, marking_of
from probe.wire.openvpn.data import CIPHERS, Session
from probe.wire.openvpn.key_exchange import Offer, Reply, data_keys, read_reply

NO_CIPHER: Final = f"{UNKNOWN}no openvpn cipher in common"
_AGAIN: Final = 3.0  # seconds until a push is asked for again: a login may take its time
# What the server understands of us (``IV_``): packets with a peer's number, the ciphers, and that
# nothing of ours is compressed.
_INFO: Final = "\n".join(
    (
        "IV_PROTO=2",
        "IV_NCP=2",
        f"IV_CIPHERS={':'.join(CIPHERS)}",
        *("IV_LZO_STUB=1", "IV_COMP_STUB=1", "IV_COMP_STUBv2=1"),
        "",
    )
)
# As OpenVPN's own client says it; a server that finds it otherwise only writes a warning.
_OPTIONS: Final = (
    "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto {},cipher AES-256-GCM,auth [null-digest],"
    "keysize 256,key-method 2,tls-client"
)
_PROTO: Final = {"udp": "UDPv4", "tcp": "TCPv4_CLIENT"}
_CIPHERS_DIFFER: Final = "Data channel cipher negotiation failed"  # comes as AUTH_FAILED
_REASONS: Final = {
    "CRV1": ": it asks for more",
    "TEMP": " for now",
    "SESSION": ": the session is over",
}
# Alerts that are about what we have shown (RFC 8446, 6.2).
_ABOUT_US: Final = (
    *("BAD_CERTIFICATE", "UNSUPPORTED_CERTIFICATE", "CERTIFICATE_REVOKED", "CERTIFICATE_EXPIRED"),
    *("CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "ACCESS_DENIED", "CERTIFICATE_REQUIRED"),
    *("HANDSHAKE_FAILURE", "DECRYPT_ERROR"),
)


class Agreed(NamedTuple):
    """What the tunnel is made of, and what goes through it."""

    session: Session
    echo: Echo
    pushed: push.Pushed


async def log_in(
    kit: Kit,
    transaction: int,
    endpoint: Endpoint,
    channel: Channel,
    tls: TlsStream,
    credentials: Credentials,
    *,
    transport: str,
    peer: str | None,
) -> Agreed | None:
    """Exchange keys, and be pushed what the server wants; ``peer`` is who is to answer inside.

    None, and the reason in the last step's detail (``unspoken``), where the tunnel comes about and
    no echo request can go through it. Stopped where it does not come about.
    """
    offer = Offer()
    async with _step(kit, "openvpn_key_exchange", transaction, endpoint, channel):
        await tls.handshake()  # under TLS 1.2 the server's last word comes after our certificate
        message = offer.message(
            options=_OPTIONS.format(_PROTO[transport]),
            username=credentials.username,
            password=credentials.password,
            info=_INFO,
        )
        await tls.send(message)
        reply = await _reply(tls)
    async with _step(kit, "openvpn_push", transaction, endpoint, channel) as detail:
        pushed = await _pushed(tls)
        if pushed.cipher not in CIPHERS or pushed.peer is None:
            raise NamedFailure(NO_CIPHER, "the server wants none of " + ", ".join(CIPHERS))
        detail.update(cipher=pushed.cipher, ping=pushed.ping, ping_restart=pushed.ping_restart)
        way = pushed.way_to(ip_address(peer) if peer else None)
        if unspoken := _unspoken(reply) or (None if way else "no peer inside"):
            detail["unspoken"] = unspoken
            return None
    assert way is not None
    keys = data_keys(offer, reply, *channel.sessions)
    session = Session(keys, pushed.cipher, pushed.peer, _marking(reply, pushed))
    return Agreed(session, Echo(source=way[0], destination=way[1]), pushed)


def _unspoken(reply: Reply) -> str | None:
    """Why no packets of ours would be understood, though the tunnel comes about."""
    if "dev-type tap" in reply.options:
        return "dev tap"
    return "fragment" if "mtu-dynamic" in reply.options else None


def _marking(reply: Reply, pushed: push.Pushed) -> Marking:
    """How packets are marked: as is pushed, or else as the server says that it does by itself."""
    own = ("comp-lzo",) if "comp-lzo" in reply.options else ()
    return marking_of(pushed.compression or own)


@asynccontextmanager
async def _step(
    kit: Kit, op: str, transaction: int, endpoint: Endpoint, channel: Channel
) -> AsyncIterator[dict[str, JSON]]:
    async with kit.trace.step(
        op, transaction, str(endpoint), within=kit.timeouts.first_byte
    ) as detail:
        try:
            yield detail
        except ssl.SSLError as exc:
            reason = exc.reason or ""
            if "ALERT" in reason:
                detail["alert"] = reason.lower()
                if reason.endswith(_ABOUT_US):
                    raise NamedFailure(CREDENTIALS, "an alert") from None
            raise
        finally:
            detail.update(channel.facts())


async def _reply(tls: TlsStream) -> Reply:
    data = b""
    while (reply := read_reply(data)) is None:
        data += await _some(tls)
    return reply


async def _some(tls: TlsStream) -> bytes:
    data = await tls.receive()
    if not data:
        raise EndOfStreamError("the server ends the conversation")
    return data


async def _pushed(tls: TlsStream) -> push.Pushed:
    """Ask until the server pushes: one that decides later answers only who asks then."""
    messages, reply = push.Messages(), push.Reply()
    now, asked = asyncio.get_running_loop().time, -math.inf
    coming = asyncio.create_task(_some(tls))
    try:
        while True:
            if now() - asked >= _AGAIN:
                await tls.send(push.REQUEST)
                asked = now()
            await asyncio.wait({coming}, timeout=asked + _AGAIN - now())
            if not coming.done():
                continue
            for message in messages.take(coming.result()):
                heed(message)
                if pushed := reply.take(message):
                    return pushed
            coming = asyncio.create_task(_some(tls))
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def heed(message: str) -> None:
    """Raise what a message means by which a server ends a session, or does not begin one."""
    word, _, reason = message.partition(",")
    match word:
        case "AUTH_FAILED" if reason.startswith(_CIPHERS_DIFFER):
            raise NamedFailure(NO_CIPHER, "the server says so")
        case "AUTH_FAILED":
            known = (text for start, text in _REASONS.items() if reason.startswith(start))
            raise NamedFailure(CREDENTIALS, f"the server says {word}{next(known, '')}")
        case "AUTH_PENDING":
            raise NamedFailure(CREDENTIALS, f"the server says {word}: it asks for more")
        case "RESTART" | "HALT":
            raise EndOfStreamError(f"the server says {word}")
