"""Does an OpenVPN server answer, and with whose certificate?

A hard reset, whose answer is bound to it by our session id; then TLS inside the control channel,
up to the server's certificate. No certificate, user name or password of a user is needed. With
them it goes on: a login, and echo requests through the tunnel.

A server with tls-auth or tls-crypt is silent to everybody without its key (over TCP it closes). A
plain one answers anybody. So silence to a target that no key was given for may be a server that is
down, one that is filtered, or a healthy one with a key: the step says so by ``keyed``.
"""

import asyncio
import secrets
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import ClassVar, Final

from probe.checks.kit import Kit
from probe.checks.openvpn_channel import (
    Carrier,
    Channel,
    Framed,
    framed,
    reset_over_tcp,
    reset_over_udp,
)
from probe.checks.openvpn_credentials import CredentialOptions, Credentials
from probe.checks.openvpn_keys import authorities_of
from probe.checks.openvpn_login import log_in
from probe.checks.openvpn_tunnel import OpenVpnTunnel, owed
from probe.checks.packets import socket_to
from probe.checks.resolve import endpoints
from probe.checks.sending import FirstPacket, Sending
from probe.checks.steps import connect, each, handshake
from probe.checks.tunnel_echo import exchange, in_turn
from probe.core.address import Endpoint
from probe.core.model import JSON
from probe.net.tls import TlsStream
from probe.net.trust import Policy
from probe.wire.openvpn.control import Control
from probe.wire.openvpn.packets import NAME, SESSION
from probe.wire.openvpn.wrapping import Plain, TlsAuth, TlsCryptV2, Wrapping

OP: Final = "openvpn_reset"
_EARLIER: Final = 0.02  # seconds; our own deadline must come before the measurement's
_PARTING: Final = 1.0  # seconds that a goodbye may take


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVpnUdpCheck(CredentialOptions):
    """``openvpn+udp://host[:1194]``: reset and TLS handshake at every address.

    At most one of ``tls_auth``, ``tls_crypt`` and ``tls_crypt_v2``, as ``…_file`` or ``…_env``, is
    the server's key; ``digest`` (its ``auth``) and ``key_direction`` (0, 1 or none) go with
    tls-auth. ``ca`` (PEM) or ``ca_file`` are the authorities that must have signed the server's
    certificate; without any, the certificate is recorded and not judged.

    With ``cert_file`` and ``key_file``, with ``auth_user_pass_file``, or with both, a login
    follows, and ``data`` echo requests go through the tunnel to ``tunnel_peer``, or else to the
    server.
    """

    name: ClassVar[str] = "openvpn+udp"
    transport: ClassVar[str] = "udp"
    default_port: ClassVar[int | None] = 1194

    host: str
    port: int
    addresses: tuple[str, ...] = ()
    lookup: bool = False
    ca: str | None = None
    ca_file: str | None = None

    def require(self) -> None:
        """Raise ValueError unless the key, the authorities and the credentials are there."""
        self.wrapping()
        self.own_credentials(proven=bool(authorities_of(self.ca, self.ca_file)))

    async def run(self, kit: Kit) -> None:
        """Look the name up; at each address reset and shake hands, and with credentials go on."""
        wrapping = self.wrapping()
        authorities = authorities_of(self.ca, self.ca_file)
        credentials = self.own_credentials(proven=bool(authorities))
        policy = Policy(
            verify=bool(authorities),
            authorities=authorities,
            identity=credentials.identity if credentials else None,
        )
        kit.trust.prepare(policy)
        found = await endpoints(
            kit, self.host, self.port, pinned=self.addresses, lookup=self.lookup
        )

        async def at(kit: Kit, transaction: int, endpoint: Endpoint) -> None:
            control = self._control(wrapping, int(kit.now().timestamp()))
            async with AsyncExitStack() as stack:
                carrier = await self._reset(kit, transaction, endpoint, control, stack)
                channel = Channel(control, carrier, lossy=control.repeats)
                tls = await _handshake(kit, transaction, endpoint, channel, policy)
                stack.push_async_callback(_goodbye, tls)
                if credentials:
                    await self._go_on(kit, transaction, endpoint, channel, tls, credentials)

        # Whoever logs in twice with one certificate takes the tunnel away from himself.
        await (in_turn if credentials else each)(kit, found, at)

    async def _go_on(
        self,
        kit: Kit,
        transaction: int,
        endpoint: Endpoint,
        channel: Channel,
        tls: TlsStream,
        credentials: Credentials,
    ) -> None:
        """Log in, and send echo requests through the tunnel."""
        channel.expect_data()
        agreed = await log_in(
            kit,
            transaction,
            endpoint,
            channel,
            tls,
            credentials,
            transport=self.transport,
            peer=self.tunnel_peer,
        )
        if agreed is None or not (count := self.packets()):
            return
        within = min(kit.timeouts.transfer, kit.trace.left())
        anew = self._control(self.wrapping(), int(kit.now().timestamp()))
        async with OpenVpnTunnel(
            channel,
            tls,
            agreed.session,
            owed=owed(agreed.pushed, within),
            anew=anew if self.transport == "udp" else None,
        ) as tunnel:
            try:
                await exchange(
                    kit, transaction, endpoint, tunnel, tunnel, echo=agreed.echo, count=count
                )
            finally:
                if self.transport == "udp":
                    await tunnel.leave()

    async def _reset(
        self,
        kit: Kit,
        transaction: int,
        endpoint: Endpoint,
        control: Control,
        stack: AsyncExitStack,
    ) -> Carrier:
        within = max(0.0, min(kit.timeouts.first_byte, kit.trace.left() - _EARLIER))
        async with kit.trace.step(
            OP, transaction, str(endpoint), within=within + 1, **self._marks(control)
        ) as detail:
            sock = await stack.enter_async_context(socket_to(kit, endpoint))
            late = kit.timeouts.late_answers
            await reset_over_udp(control, sock, detail, within=within, late=late)
            detail.update(_answered(control))
        return sock

    def _control(self, wrapping: Wrapping, now: int) -> Control:
        lossy = self.transport == "udp"
        return Control(wrapping, secrets.token_bytes(SESSION), now, repeats=lossy)

    def _marks(self, control: Control) -> dict[str, JSON]:
        name = control.wrapping.name
        digest = {"digest": self.digest} if name == TlsAuth.name else {}
        return {"wrapping": name, **digest, "keyed": name == Plain.name}

    def sends(self) -> Iterable[Sending]:
        """Resets, and TLS inside the control channel; nothing in it names anybody."""
        how = " ".join(kind.replace("_", "-") for kind in self.kinds()) or "without a key"
        over = f"over {self.transport.upper()} ({how})"
        credited = self.credited()
        whose = "" if credited else " or certificate"
        what = f"OpenVPN reset {over}, then TLS inside it, without a server name{whose}"
        yield Sending(self.host, self.port, self.transport, what)
        if not credited:
            return
        count, peer = self.packets(), self.tunnel_peer or "the server"
        sent = f"{count} echo requests or a few more, and pings, to {peer} inside"
        what = f"OpenVPN login inside that TLS{f', and data: {sent}' if count else ''}"
        yield Sending(self.host, self.port, self.transport, what)

    def first_packet(self) -> FirstPacket:
        """A hard reset in the same wrapping, with a session and a key of nobody's."""
        packet = self._control(self.shape(), int(time.time())).reset()
        return FirstPacket(self.transport, framed(packet) if self.transport == "tcp" else packet)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVpnTcpCheck(OpenVpnUdpCheck):
    """``openvpn+tcp://host[:1194]``: the same over TCP."""

    name: ClassVar[str] = "openvpn+tcp"
    transport: ClassVar[str] = "tcp"

    async def _reset(
        self,
        kit: Kit,
        transaction: int,
        endpoint: Endpoint,
        control: Control,
        stack: AsyncExitStack,
    ) -> Carrier:
        carrier = Framed(await connect(kit, transaction, endpoint))
        stack.callback(carrier.close)
        async with kit.trace.step(
            OP,
            transaction,
            str(endpoint),
            within=kit.timeouts.first_byte,
            **self._marks(control),
        ) as detail:
            await reset_over_tcp(control, carrier, detail)
            detail.update(_answered(control))
        return carrier


def _answered(control: Control) -> dict[str, JSON]:
    """What an answer shows: a server that answers without a key has none, and one that answers to
    a key has it."""
    facts: dict[str, JSON] = {"keyed": False, "authenticated": control.wrapping.name != Plain.name}
    if control.wrapping.name == TlsCryptV2.name:
        facts["cookie"] = control.key_again
    return facts


async def _handshake(
    kit: Kit, transaction: int, endpoint: Endpoint, channel: Channel, policy: Policy
) -> TlsStream:
    return await handshake(
        kit,
        transaction,
        endpoint,
        channel,
        server_name=None,
        policy=policy,
        anonymous=True,
        at_end=channel.facts,
        inside=NAME,
    )


async def _goodbye(tls: TlsStream) -> None:
    with suppress(OSError):  # a TimeoutError is one
        async with asyncio.timeout(_PARTING):
            await tls.farewell()
