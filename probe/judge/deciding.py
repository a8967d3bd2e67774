"""Which of a measurement's transactions decides what is said about it.

A check tries every address and asks every resolver, each in a transaction of its own, and one
success is enough: so the first transaction that succeeded decides, else the first that failed.
Steps that carry ``detail["resolver"]`` belong to a resolver query, and so does their transaction:
also the connection and the handshake under a DoT or DoH query.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from probe.core.model import Measurement, Step

DATA: Final = "data_exchange"  # packets through a tunnel, after a protocol's handshake
# What a user's own credentials decide, once the server has shown its certificate.
LOGIN: Final = frozenset({"openvpn_key_exchange", "openvpn_push"})
# What a server does only after it has answered by itself: with a tunnel, or with a password.
BEHIND: Final = LOGIN | {DATA, "trojan_relay"}
EXTRA_ANSWER: Final = "extra_answer"  # a further answer to a query: kept, and decides nothing
# In which a certificate proves the server's name.
HANDSHAKES: Final = frozenset({"tls_handshake", "quic_handshake"})
LOOKUPS: Final = frozenset({"resolve", "bootstrap", EXTRA_ANSWER})  # none is the target's own
_LOOKUP_ENDS: Final = frozenset({"resolve"})
_TLS_ENDS: Final = frozenset({"tls_handshake"})
_TUNNEL_ENDS: Final = frozenset({"tls_handshake", "openvpn_push", DATA})
_HTTP_ENDS: Final = frozenset({"transfer", "expect"})
# The operation with which a check has done what it is for. A redirect that is followed goes on in
# the same transaction, hence the last step counts.
ENDS: Final = {
    "dns": _LOOKUP_ENDS,
    "tcp": frozenset({"connect"}),
    "tls": _TLS_ENDS,
    "openvpn+udp": _TUNNEL_ENDS,
    "openvpn+tcp": _TUNNEL_ENDS,
    "http": _HTTP_ENDS,
    "https": _HTTP_ENDS,
    "quic": frozenset({"quic_version", "quic_handshake"}) | _HTTP_ENDS,
    "wireguard": frozenset({"wireguard_initiation", DATA}),
    "socks5": frozenset({"socks5_greeting", "socks5_request"}),
    "httpconnect": frozenset({"expect"}),
    "anyconnect": frozenset({"expect"}),
    "sstp": frozenset({"sstp_connect"}),
    "softether": frozenset({"expect"}),
    "l2tp": frozenset({"l2tp_sccrq"}),
    "pptp": frozenset({"pptp_start"}),
    "stun": frozenset({"stun_binding"}),
    "shadowsocks": frozenset({"shadowsocks_relay", "shadowsocks_datagram"}),
    "trojan": frozenset({"tls_handshake", "trojan_relay"}),
    "vmess": frozenset({"vmess_request"}),
    "obfs4": frozenset({"obfs4_handshake"}),
    "dtls": frozenset({"dtls_client_hello"}),
    "mtproto": frozenset({"mtproto_req_pq"}),
    "ikev2": frozenset({"ikev2_version", "ikev2_sa_init", "ikev1_main_mode"}),
}


@dataclass(frozen=True, slots=True)
class Deciding:
    """One transaction: ``failed`` is its first failed step, ``lookup`` whether it asks a resolver.

    A transaction that was cut off between two steps has neither succeeded nor a failed step.
    """

    transaction: int
    steps: tuple[Step, ...]
    succeeded: bool
    failed: Step | None
    lookup: bool


def deciding(measurement: Measurement) -> Deciding | None:
    """The transaction that decides; None when there are no steps.

    It is a lookup for the dns check, and for the others when no address was tried.
    """
    transactions = _transactions(measurement.steps)
    for_lookup = measurement.check == "dns"
    wanted = [one for one in transactions if one.lookup == for_lookup] or transactions
    return _choose(wanted, ENDS.get(measurement.check))


def lookups(measurement: Measurement) -> Deciding | None:
    """The resolver query that gave the addresses, likewise; None when no resolver was asked."""
    transactions = _transactions(measurement.steps)
    return _choose([one for one in transactions if one.lookup], _LOOKUP_ENDS)


class _Transaction(NamedTuple):
    steps: list[Step]
    lookup: bool


def _transactions(steps: tuple[Step, ...]) -> list[_Transaction]:
    by_number: dict[int, list[Step]] = {}
    asking = set()
    for step in steps:
        if step.op != EXTRA_ANSWER:
            by_number.setdefault(step.transaction, []).append(step)
            if step.detail.get("resolver"):
                asking.add(step.transaction)
    return [_Transaction(by_number[number], number in asking) for number in sorted(by_number)]


def _choose(transactions: list[_Transaction], ends: frozenset[str] | None) -> Deciding | None:
    first_failed = first_cut = None
    for steps, lookup in transactions:
        failed = next((step for step in steps if step.failure is not None), None)
        complete = failed is None and (ends is None or steps[-1].op in ends)
        found = Deciding(steps[0].transaction, tuple(steps), complete, failed, lookup)
        if complete:
            return found
        if failed is not None:
            first_failed = first_failed or found
        else:
            first_cut = first_cut or found
    return first_failed or first_cut
