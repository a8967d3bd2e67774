"""For every rule, evidence as checks, controls and follow-ups really leave it."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from support.records import WEB, anchor, https, measured, resolve, step
from support.virtual import DAY

from probe.core.failure import CREDENTIALS, PROXY_REFUSED
from probe.core.model import Measurement, Step, Target, Vantage
from probe.judge import followups as f
from probe.judge.by_name import TIMES
from probe.judge.evidence import Evidence
from probe.judge.knowledge import Knowledge, PageFingerprint

THERE = Vantage(id="fra-1", country="DE", asn=24940, network="datacenter")
UP = (anchor(up=True),)
DOWN = (anchor(up=False),)
ABROAD_DOWN = (anchor(up=False), anchor(up=True, feature="domestic"))
CAPTIVE = (
    anchor(up=False),
    replace(
        anchor(up=True, feature="portal"),
        check="http",
        steps=(step("http_response", status=302), step("transfer"), step("expect", 1, "x")),
    ),
)
PAGE = Target(id="page", service="shop", feature="web", url="http://shop.example/")
NAME = Target(id="name", service="shop", feature="dns", url="dns://shop.example")
TUNNEL = Target(id="vpn", service="vpn", feature="tunnel", url="openvpn+udp://vpn.example:1194")
TROJAN = Target(id="trojan", service="vpn", feature="tunnel", url="trojan://vpn.example")
TLS_DONE = step("tls_handshake", 1, verify=True)
DECOY = "198.51.100.2:443"
SILENCE = "generic_timeout_error"
UNTRUSTED = "ssl_unknown_authority"
MALFORMED = "unknown_failure: malformed reply"
RESET = https("tls_handshake", "connection_reset")
SILENT = https("tls_handshake", "generic_timeout_error")
INNER = step("tls_handshake", 2, inside="openvpn", verify=False)
_SECONDS = itertools.count()
OTHER = {"subject": "CN=shop.example", "issuer": "CN=Somebody"}
SELF = {"subject": "CN=shop.example", "issuer": "CN=shop.example"}
BLOCKED_PAGE = b"<html><title>Blocked</title>This site is blocked by order.</html>"
KNOWN = Knowledge(
    (
        PageFingerprint(
            id="test",
            scope="national",
            where="body",
            kind="contains",
            pattern="blocked by order",
            source="https://example.org/",
            added="2026-11-24",
        ),
    ),
    (),
)


def trials(steps: Sequence[Step], times: int = 3, check: str = "https", **more: Any) -> Any:
    """The same failure in several cycles, the last of which is the present one."""
    return tuple(
        measured(check, steps, cycle=f"cycle-{n}", started=DAY + timedelta(minutes=10 * n), **more)
        for n in range(1, times + 1)
    )


def control(
    steps: Sequence[Step] | None = None,
    *,
    id_: str = "fra-1",
    vantage: Vantage = THERE,
    healthy: bool = True,
    check: str = "https",
    target: Target = WEB,
    invalid: str | None = None,
) -> dict[str, tuple[Measurement, ...]]:
    """One control: what it measured, and its anchors."""
    made = measured(
        check, https() if steps is None else steps, target=target, cycle="c", invalid=invalid
    )
    anchors = anchor(up=healthy, cycle=f"of-{id_}")
    return {
        "controls": (replace(made, origin=id_, vantage=vantage),),
        "control_anchors": (replace(anchors, origin=id_, vantage=vantage),),
    }


def both(*parts: dict[str, tuple[Measurement, ...]]) -> dict[str, tuple[Measurement, ...]]:
    """Several controls."""
    keys = ("controls", "control_anchors")
    return {key: tuple(m for part in parts for m in part[key]) for key in keys}


def follow(kind: str, steps: Sequence[Step], number: int = 1, check: str = "tls") -> Measurement:
    """One follow-up of the present cycle, later than the one before."""
    made = replace(measured(check, steps, role="followup"), followup=kind, trial=number)
    later = timedelta(hours=1, seconds=next(_SECONDS))
    return replace(made, followup_of="first", started=DAY + later)


def tls(failure: str | None = None, **detail: Any) -> list[Step]:
    """A handshake at the decoy."""
    steps = [step("connect", address=DECOY)]
    return [*steps, step("tls_handshake", 1, failure, address=DECOY, **detail)]


def at_target(name: str, leaf: str) -> list[Step]:
    """A handshake at the target's own address under this name, whatever certificate comes."""
    shown = {"server_name": name, "verify": False, "peer_certificates": [leaf]}
    return [step("connect"), step("tls_handshake", **shown)]


def page(status: int = 200, body: str = "", length: int = 100, **detail: Any) -> list[Step]:
    """A plain HTTP answer."""
    return [
        step("connect"),
        step("http_request"),
        step("http_response", status=status, headers=detail.pop("headers", [])),
        step("transfer", bytes=length, complete=True, **({"body": body} if body else {})),
    ]


def transfer(done: int, seconds: float, failure: str | None = None, last: float = 0.0) -> list[Any]:
    """A transfer of so many bytes in so many seconds."""
    body = step("transfer", 2, failure, bytes=done, last_byte=last or seconds, limit=131072)
    response = replace(step("http_response", 2, status=200), t0=0.1, t=0.1)
    return [
        *https("http_request")[:3],
        step("http_request", 2),
        response,
        replace(body, t0=0.1, t=0.1 + seconds),
    ]


def lookup(*ips: str, failure: str | None = None, op: str = "resolve", **detail: Any) -> Step:
    """An answer with these addresses."""
    data = [{"type": "AAAA" if ":" in ip else "A", "data": ip} for ip in ips]
    return step(op, 1, failure, resolver="udp://192.0.2.53", answers=data, **detail)


def at(ip: str, failure: str | None = None, op: str = "tls_handshake", **detail: Any) -> list[Step]:
    """A connection to an address, and what became of it."""
    address = f"{ip}:443"
    if op == "connect":
        return [step("connect", 2, failure, address=address)]
    done = [step("connect", 2, address=address), step(op, 2, failure, address=address, **detail)]
    return [*done, *(https()[3:] if failure is None and op == "tls_handshake" else [])]


def at6(failure: str | None = None) -> list[Any]:
    """A connection to the only address of a name, over IPv6, and the page behind it."""
    address = "[2606:2800::1]:443"
    dialled = [lookup("2606:2800::1"), step("connect", 2, failure, address=address)]
    return dialled if failure else [*dialled, *https()[2:]]


def pairs(neutral: str, name: str, neutral_bps: float, name_bps: float) -> tuple[Any, ...]:
    """Three pairs of interleaved transfers."""
    return tuple(
        follow(kind, transfer(int(4 * speed), 4.0), number, "https")
        for number in (1, 2, 3)
        for kind, speed in ((neutral, neutral_bps), (name, name_bps))
    )


NEUTRAL_OK = follow(f.NEUTRAL_AT_DECOY, tls())
NEUTRAL_OK_2 = follow(f.NEUTRAL_AT_DECOY, tls(), 2)
HOST_OK = follow(f.NEUTRAL_HOST_AT_DECOY, [*page(), step("expect")], 1, "http")
CLEAN = (NEUTRAL_OK, follow(f.NAME_AT_DECOY, tls()))
MMG = "203.0.113.9"


def evidence(found: Any, anchors: Any = UP, **more: Any) -> Evidence:
    """Evidence with the vantage online."""
    return Evidence(trials=found, anchors=anchors, **more)


def cases() -> dict[str, Evidence]:
    """Rule by rule, evidence that it decides."""
    private = https(verify=True, private_root="r1", peer_certificates=["a"], leaf=OTHER)
    public = https(verify=True, peer_certificates=["b"])
    untrusted = https("tls_handshake", UNTRUSTED, peer_certificates=["a"], leaf=OTHER)
    sent = {"server_name": "shop.example"}
    wrong_name = {"peer_certificates": ["a"], "leaf": OTHER, **sent}
    misnamed = https("tls_handshake", "ssl_invalid_hostname", **wrong_name)
    strange = https("tls_handshake", "ssl_failed_handshake")
    garbage = [resolve(), step("openvpn_reset", 2, MALFORMED)]
    over = {"resolver": "tls://dns.example", "address": "198.51.100.53:853"}
    expired = https(
        "tls_handshake", "ssl_invalid_certificate", peer_certificates=["a"], verify_code=10
    )
    refusal = [*https(), step("expect", 2, "http_unexpected_status_code")]
    refusal[4] = replace(refusal[4], detail={"status": 403})
    fine = https()
    fine[4] = replace(fine[4], detail={"status": 200})
    broken = [replace(s, detail={"status": 502}) if s.op == "http_response" else s for s in refusal]
    odd = [*https(), step("expect", 2, "unknown_failure: the body lacks the expected text")]
    forged = [lookup("10.10.34.34"), *at("10.10.34.34", "generic_timeout_error", "connect")]
    two = [
        lookup("10.10.34.34"),
        lookup(MMG, op="extra_answer", wrong_id=False),
        *at("10.10.34.34", "generic_timeout_error", "connect"),
    ]
    home = [
        replace(lookup("0.0.0.0"), address="192.168.1.1:53"),
        *at("0.0.0.0", "connection_refused", "connect"),
    ]
    wrong = [lookup("8.8.4.4"), *at("8.8.4.4", "ssl_invalid_hostname")]
    dead = [lookup("8.8.4.4"), *at("8.8.4.4", "generic_timeout_error", "connect")]
    elsewhere = control([lookup("1.1.1.1"), *at("1.1.1.1")])
    good_there = follow(f.CERTIFICATE_AT_CONTROL_ANSWER, at("1.1.1.1")[:2])
    dropped = [resolve("dns_nxdomain_error", hostname="shop.example")]
    stalled = transfer(17000, 20.0, "generic_timeout_error", last=1.0)
    tunnel = [resolve(), step("openvpn_reset", 2, "generic_timeout_error")]
    answer = [resolve(), step("openvpn_reset", 2), INNER]
    keyless = [resolve(), step("openvpn_reset", 2, SILENCE, keyed=True)]
    lured = [
        lookup("127.0.0.1", "1.1.1.1"),
        step("connect", 2, "connection_refused", address="1.1.1.1:443"),
        step("connect", 3, address="127.0.0.1:443"),
    ]
    neighbour = replace(measured("tls", RESET[1:]), target=replace(WEB, id="other", feature="x"))
    http = {"check": "http", "target": PAGE}
    cut_host = [*page()[:2], step("http_response", 1, "connection_reset")]
    return {
        "own-error": evidence((measured(steps=RESET, invalid="KeyError: 'x'"),), DOWN),
        "certificate-of-private-authority": evidence(
            (measured(steps=private), replace(measured(steps=private), trial=2)),
            needed=2,
            **control(public),
        ),
        "throttled-by-name": evidence(
            (measured(steps=transfer(131072, 10)),),
            followups=pairs(f.TRANSFER_NEUTRAL, f.TRANSFER_NAME, 500_000, 15_000),
            **control(transfer(131072, 0.5)),
        ),
        "throttled-here": evidence(
            (measured(steps=transfer(131072, 10)),),
            followups=pairs(f.TRANSFER_NEUTRAL, f.TRANSFER_FROM_TARGET, 500_000, 15_000),
            **control(transfer(131072, 0.5)),
        ),
        "answered": evidence((measured(steps=https()),), DOWN),
        "cut-off": evidence((measured(steps=https("connect", "interrupted")),), DOWN),
        "vantage-captive": evidence((measured(steps=RESET),), CAPTIVE),
        "vantage-offline": evidence((measured(steps=[resolve("dns_temporary_failure")]),), DOWN),
        "own-clock": evidence((measured(steps=expired),), (dated(UP[0], hours=-2),)),
        "own-trust-store": evidence(
            (measured(steps=untrusted),), **control(https(peer_certificates=["a"], verify=True))
        ),
        "own-trust-store-lacks": evidence(
            trials(
                https("tls_handshake", UNTRUSTED, peer_certificates=["a"], public_authority=True)
            ),
            **control(public),
        ),
        "no-ipv6-route": evidence(
            (
                measured(
                    "tcp",
                    [resolve(), step("connect", 2, "network_unreachable", address="[2a00::1]:1")],
                ),
            )
        ),
        "own-firewall": evidence(
            (measured("tcp", [step("connect", 1, "permission_denied", errno="EPERM")]),)
        ),
        "international-path-down": evidence((measured(steps=RESET),), ABROAD_DOWN),
        "page-known": evidence(
            (measured(steps=page(403, "p"), **http),), bodies={"p": BLOCKED_PAGE}, knowledge=KNOWN
        ),
        "page-at-decoy": evidence(
            (measured(steps=page(), **http), replace(measured(steps=page(), **http), trial=2)),
            followups=(HOST_OK, follow(f.HOST_AT_DECOY, [*page(), step("expect", 1, "x")], 1)),
            needed=2,
            **control(page(), check="http", target=PAGE),
        ),
        "dns-from-nobody": evidence(
            (measured(steps=dropped),),
            followups=(
                *(
                    follow(kind, [made], number, "dns")
                    for number in (1, 2, 3)
                    for kind, made in (
                        (f.NEUTRAL_AT_NON_RESOLVER, resolve(SILENCE)),
                        (f.NAME_AT_NON_RESOLVER, lookup(rcode="NXDOMAIN")),
                    )
                ),
            ),
        ),
        "dns-two-answers": evidence((measured(steps=two),)),
        "sni-reset-at-decoy": evidence(
            (measured(steps=RESET),),
            followups=(NEUTRAL_OK, follow(f.NAME_AT_DECOY, tls("connection_reset"))),
        ),
        "sni-dropped-at-decoy": evidence(
            (measured(steps=SILENT),),
            followups=(
                NEUTRAL_OK,
                NEUTRAL_OK_2,
                follow(f.NAME_AT_DECOY, tls("generic_timeout_error")),
                follow(f.NAME_AT_DECOY, tls("generic_timeout_error"), 2),
            ),
        ),
        "certificate-at-decoy": evidence(
            trials(untrusted),
            followups=(
                NEUTRAL_OK,
                follow(
                    f.NAME_AT_DECOY,
                    tls(UNTRUSTED, peer_certificates=["z"], leaf=SELF),
                ),
            ),
            **control(https(peer_certificates=["b"], verify=True)),
        ),
        "reply-at-decoy": evidence(
            trials(strange),
            followups=(NEUTRAL_OK, follow(f.NAME_AT_DECOY, tls("ssl_failed_handshake"))),
            **control(),
        ),
        "host-reset-at-decoy": evidence(
            trials(cut_host, check="http", target=PAGE),
            followups=(HOST_OK, follow(f.HOST_AT_DECOY, cut_host, 1, "http")),
            **control(page(), check="http", target=PAGE),
        ),
        "denied-here": evidence(trials(refusal), **control([*fine, step("expect", 2)])),
        "page-differs": evidence(
            (measured(steps=page(body="p", length=5000), **http),),
            bodies={"p": b"<title>Something</title>", "q": b"<title>Another</title>"},
            **control(page(body="q", length=300), check="http", target=PAGE),
        ),
        "answered-unverified": evidence((measured(steps=page(), **http),)),
        "failed-vantage-untested": evidence((measured(steps=RESET),), ()),
        "credentials-refused": evidence(
            trials([*answer, step("openvpn_push", 2, CREDENTIALS)], check="openvpn+udp"),
            **control(answer, check="openvpn+udp", target=TUNNEL),
        ),
        "login-failed": evidence(
            trials([*answer, step("openvpn_key_exchange", 2, SILENCE)], check="openvpn+udp"),
            **control(answer, check="openvpn+udp", target=TUNNEL),
        ),
        "failed-without-control": evidence((measured(steps=RESET),)),
        "vpn-filtered-at-echo": evidence(
            trials(keyless, check="openvpn+udp", target=TUNNEL),
            followups=(
                follow(f.HARMLESS_AT_ECHO, [step("echo")], 1, "echo"),
                follow(f.PROTOCOL_AT_ECHO, [step("echo", 1, SILENCE)], 1, "echo"),
                follow(f.PROTOCOL_AT_ECHO, [step("echo", 1, SILENCE)], 2, "echo"),
            ),
            **control(keyless, check="openvpn+udp", target=TUNNEL),
        ),
        "vpn-injected-at-echo": evidence(
            trials(garbage, check="openvpn+udp", target=TUNNEL),
            followups=(
                follow(f.HARMLESS_AT_ECHO, [step("echo")], 1, "echo"),
                follow(f.PROTOCOL_AT_ECHO, [step("echo", 1, MALFORMED)], 1, "echo"),
                follow(f.PROTOCOL_AT_ECHO, [step("echo", 1, MALFORMED)], 2, "echo"),
            ),
            **control(answer, check="openvpn+udp", target=TUNNEL),
        ),
        "keyed-silence": evidence(
            trials(keyless, check="openvpn+udp", target=TUNNEL),
            **control(keyless, check="openvpn+udp", target=TUNNEL),
        ),
        "controls-disagree": evidence(
            trials(RESET), **both(control(), control(dropped, id_="nyc-1"))
        ),
        "fails-alike-at-controls": evidence(trials(RESET), **control(RESET)),
        "not-confirmed": evidence(trials(RESET, 2), **control()),
        "down": evidence(trials(dropped), **control(dropped)),
        "residual-of-another": evidence(trials(RESET), neighbours=(neighbour,), **control()),
        "bad-line": evidence(
            trials(SILENT),
            followups=(
                follow(f.NEUTRAL_TWIN, tls()),
                follow(f.NEUTRAL_TWIN, tls("generic_timeout_error"), 2),
            ),
            **control(),
        ),
        "frozen": evidence(trials(stalled), **control(transfer(131072, 1.0))),
        "vpn-data-stopped": evidence(
            trials([*answer, step("data_exchange", 2, SILENCE, stops=6)], check="vpn"),
            **control([*answer, step("data_exchange", 2)], check="vpn"),
        ),
        "vpn-data-unclear": evidence(
            trials([*answer, step("data_exchange", 2, SILENCE, stops=0, never=True)], check="vpn"),
            **control([*answer, step("data_exchange", 2, received=0)], check="vpn"),
        ),
        "vpn-data-fails-alike": evidence(
            trials([*answer, step("data_exchange", 2, SILENCE, stops=6)], check="vpn"),
            **control([*answer, step("data_exchange", 2, SILENCE, stops=0)], check="vpn"),
        ),
        "server-error-here": evidence(trials(broken), **control([*fine, step("expect", 2)])),
        "control-asked-otherwise": evidence(
            trials(
                [step("connect"), TLS_DONE, step("trojan_relay", 1, SILENCE)],
                check="trojan",
                target=TROJAN,
            ),
            **control([step("connect"), TLS_DONE], check="trojan", target=TROJAN),
        ),
        "refused-by-proxy": evidence(
            trials([step("connect"), step("socks5_request", 1, PROXY_REFUSED)], check="socks5"),
            **control([step("connect"), step("socks5_request")], check="socks5"),
        ),
        "answer-differs": evidence(trials(odd), **control([*fine, step("expect", 2)])),
        "resolver-trouble": evidence(trials([resolve("dns_servfail_error")]), **control()),
        "resolver-untested": evidence(
            trials([step("resolve", 1, SILENCE, **over)], check="dns", target=NAME),
            **control([lookup("1.1.1.1")], check="dns", target=NAME),
        ),
        "own-filter": evidence(trials(home), **elsewhere),
        "dns-misleading": evidence(trials(wrong), followups=(good_there,), **elsewhere),
        "dns-impossible": evidence(trials(forged), **elsewhere),
        "other-addresses": evidence(trials(dead), **elsewhere),
        "ipv6-untested": evidence(trials(at6("generic_timeout_error")), **control(at6())),
        "certificate-out-of-time": evidence(
            trials(expired), **control(https(peer_certificates=["b"], verify=True))
        ),
        "certificate-replaced": evidence(
            trials(untrusted), **control(https(peer_certificates=["b"], verify=True))
        ),
        "certificate-of-resolver": evidence(
            trials([step("connect", **over), step("tls_handshake", 1, UNTRUSTED, **over)]),
            **control(),
        ),
        "certificate-vouched-by-nobody": evidence(trials(untrusted), **control(untrusted)),
        "diverted-by-name": evidence(
            trials(misnamed),
            followups=tuple(
                follow(kind, at_target(name, leaf), number)
                for number in range(1, TIMES + 1)
                for kind, name, leaf in (
                    (f.NEUTRAL_AT_TARGET, "www.neutral.example", "b"),
                    (f.NAME_AT_TARGET, "shop.example", "a"),
                )
            ),
            **control(https(peer_certificates=["b"], verify=True, **sent)),
        ),
        "reply-differs": evidence(
            trials(garbage, check="openvpn+udp", target=TUNNEL),
            **control(answer, check="openvpn+udp", target=TUNNEL),
        ),
        "certificate-differs": evidence(
            trials(misnamed), **control(https(peer_certificates=["b"], verify=True, **sent))
        ),
        "vpn-filtered": evidence(
            trials(tunnel, check="openvpn+udp", target=TUNNEL),
            **control(answer, check="openvpn+udp", target=TUNNEL),
        ),
        "failed-control-fine": evidence(trials(RESET), **control()),
        "undecided": evidence(
            (measured("tcp", lured), replace(measured("tcp", lured), trial=2)),
            needed=2,
            **control([lookup("1.1.1.1"), step("connect", 2, address="1.1.1.1:443")], check="tcp"),
        ),
    }


def dated(found: Measurement, hours: int) -> Measurement:
    """An anchor whose server says that it is some hours later than this machine thinks."""
    told = (DAY + timedelta(hours=-hours)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    steps = [
        replace(s, detail={"status": 200, "headers": [["date", told]]})
        if s.op == "http_response"
        else s
        for s in found.steps
    ]
    return replace(found, steps=tuple(steps))
