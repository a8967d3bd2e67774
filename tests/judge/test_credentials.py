"""probe.judge.credentials: a control without the key, with another one, and what it then shows."""

from dataclasses import replace
from typing import Any

import pytest
from support.cases import INNER, control, evidence, trials
from support.protocols import CUT, NEVER, STOPPED, TIMEOUT, asked, echoes, found, through, tunnel
from support.records import resolve, step

from probe.core.failure import PROXY_REFUSED
from probe.core.model import Target
from probe.judge import controls
from probe.judge.verdict import rule_for

# --- none at all --------------------------------------------------------------------------------

PROXY = Target(id="proxy", service="vpn", feature="tunnel", url="socks5://vpn.example")
WORDED, BARE = {"wrapping": "tls-auth"}, {"wrapping": "none"}
OPENED = [step("connect", 2), step("tls_handshake", 2, verify=True)]


def socks(failed: str, failure: str | None, *, login: bool) -> list[Any]:
    """A conversation with a proxy up to this step."""
    steps = [step("connect", 2), step("socks5_greeting", 2, login=login)]
    steps += [step("socks5_login", 2)] if login or failed == "socks5_login" else []
    steps += [step("socks5_request", 2)] if failed == "socks5_request" else []
    kept = steps[: [s.op for s in steps].index(failed) + 1]
    return [resolve(), *kept[:-1], replace(kept[-1], failure=failure)]


def tunnelling(failure: str | None, *, login: bool, status: int = 200) -> list[Any]:
    """What an HTTP proxy was asked, and how it went."""
    asked = [resolve(), step("connect", 2), step("http_request", 2, login=login)]
    response = step("http_response", 2, failure, status=status)
    return [*asked, response, *([] if failure else [step("expect", 2)])]


@pytest.mark.parametrize(
    ("check", "here", "there"),
    [
        # The place behind it is dead, or cuts us off: whoever asks for TLS alone does not see it.
        ("trojan", [*OPENED, step("trojan_relay", 2, TIMEOUT)], OPENED),
        ("trojan", [*OPENED, step("trojan_relay", 2, "eof_error")], OPENED),
        ("socks5", socks("socks5_request", TIMEOUT, login=True),
         socks("socks5_login", PROXY_REFUSED, login=False)),
        ("httpconnect", tunnelling(TIMEOUT, login=True), tunnelling(None, login=False, status=407)),
        # The server has no tls-auth, or another key.
        ("openvpn+tcp", asked("eof_error", tcp=True, **WORDED), asked(None, tcp=True, **BARE)),
        ("openvpn+udp", asked("unknown_failure: unauthenticated openvpn reply", **WORDED),
         asked(None, **BARE)),
        # A wrong password; and a proxy that refuses the control is not down.
        ("socks5", socks("socks5_login", PROXY_REFUSED, login=True),
         socks("socks5_login", PROXY_REFUSED, login=False)),
        ("socks5", socks("connect", TIMEOUT, login=True),
         socks("socks5_login", PROXY_REFUSED, login=False)),
    ],
)  # fmt: skip
def test_what_a_control_without_the_secret_was_answered_accuses_nobody(
    check: str, here: Any, there: Any
) -> None:
    more = {"check": check, "target": PROXY}
    case = evidence(trials(here, **more), **control(there, **more))
    assert not controls.seen(case)[0].excluded
    assert (rule_for(case).id, rule_for(case).outcome) == (
        "control-asked-otherwise",
        "inconclusive",
    )


@pytest.mark.parametrize(
    ("check", "here", "there", "rule"),
    [
        ("trojan", [resolve(), step("connect", 2, TIMEOUT)], OPENED, "failed-control-fine"),
        ("trojan", [*OPENED[:1], step("tls_handshake", 2, CUT)], OPENED, "failed-control-fine"),
        ("socks5", socks("socks5_greeting", TIMEOUT, login=True),
         socks("socks5_greeting", None, login=False), "vpn-filtered"),
        ("socks5", socks("socks5_request", TIMEOUT, login=False),
         socks("socks5_request", None, login=False), "vpn-filtered"),
        ("socks5", socks("socks5_request", PROXY_REFUSED, login=False),
         socks("socks5_request", None, login=False), "refused-by-proxy"),
        ("openvpn+udp", asked("connection_refused", **WORDED),
         asked("connection_refused", **BARE), "down"),
    ],
)  # fmt: skip
def test_what_fails_before_a_secret_comes_into_it_is_compared(
    check: str, here: Any, there: Any, rule: str
) -> None:
    more = {"check": check, "target": PROXY}
    assert rule_for(evidence(trials(here, **more), **control(there, **more))).id == rule


# --- its own ------------------------------------------------------------------------------------

KEY_HERE = [resolve(), step("wireguard_initiation", 2, TIMEOUT, dated=True)]
SHOWN = {"authenticated": True}


@pytest.mark.parametrize(
    ("check", "here", "there"),
    [
        ("wireguard", KEY_HERE, [resolve(), step("wireguard_initiation", 2, dated=True)]),
        ("vmess", [*OPENED[:1], step("vmess_request", 2, TIMEOUT)],
         [*OPENED[:1], step("vmess_request", 2, **SHOWN)]),
        ("obfs4", [*OPENED[:1], step("obfs4_handshake", 2, "eof_error")],
         [*OPENED[:1], step("obfs4_handshake", 2, **SHOWN)]),
        ("shadowsocks", [*OPENED[:1], step("shadowsocks_relay", 2, TIMEOUT)],
         [*OPENED[:1], step("shadowsocks_relay", 2, **SHOWN)]),
        ("openvpn+udp", asked(**WORDED), [*asked(None, **WORDED, **SHOWN)]),
    ],
)  # fmt: skip
def test_that_it_has_a_right_key_does_not_make_ours_right(
    check: str, here: Any, there: Any
) -> None:
    more = {"check": check, "target": PROXY}
    rule = rule_for(evidence(trials(here, **more), **control(there, **more)))
    assert (rule.id, rule.outcome) == ("control-asked-otherwise", "inconclusive")
    # That packets of this shape are filtered needs no key.
    shape = evidence(
        trials(here, **more), followups=echoes(here[-1].failure), **control(there, **more)
    )
    assert rule_for(shape).outcome == "blocked"
    keyless = [*here[:-1], replace(here[-1], detail={"keyed": True})]
    rule = rule_for(evidence(trials(keyless, **more), **control(there, **more)))
    assert (rule.id, rule.outcome) == ("keyed-silence", "inconclusive")


def test_once_our_key_was_answered_to_the_handshake_is_compared() -> None:
    cut = [*asked(None, **SHOWN)[:-1], replace(INNER, failure=TIMEOUT)]
    assert rule_for(found(cut, there=asked(None, **SHOWN))).id == "vpn-filtered"
    refused = [resolve(), step("wireguard_initiation", 2, "connection_refused", dated=True)]
    there = [resolve(), step("wireguard_initiation", 2)]
    assert rule_for(tunnel(refused, there)).id == "failed-control-fine"


def test_what_fails_there_behind_the_answer_is_no_matter_where_none_comes_here() -> None:
    shut = [resolve(), step("wireguard_initiation", 2, "connection_refused", dated=True)]
    for data in (STOPPED, NEVER):
        rule = rule_for(tunnel(shut, through(TIMEOUT, **data)))
        assert (rule.id, rule.outcome) == ("failed-control-fine", "blocked")
    turned_away = [*asked(None), step("openvpn_key_exchange", 2, TIMEOUT)]
    assert rule_for(found(asked(), there=turned_away)).id == "vpn-filtered"
    carried = [*OPENED, step("trojan_relay", 2, TIMEOUT)]
    more = {"check": "trojan", "target": PROXY}
    gone = evidence(trials([step("connect", 2, TIMEOUT)], **more), **control(carried, **more))
    assert rule_for(gone).id == "failed-control-fine"
    alike = evidence(trials(carried, **more), **control(carried, **more))
    assert rule_for(alike).outcome in {"down", "inconclusive"}
