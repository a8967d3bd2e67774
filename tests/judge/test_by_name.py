"""probe.judge.by_name: another server answers at the target's own address, for its name alone.

What is told of such an interception by what the follow-ups show of it, and who else it may be.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.cases import (
    CLEAN,
    NEUTRAL_OK,
    OTHER,
    SELF,
    both,
    control,
    evidence,
    follow,
    tls,
    trials,
)
from support.records import https, step
from support.virtual import DAY

from probe.core.model import Measurement
from probe.judge import followups as f
from probe.judge.by_name import TIMES
from probe.judge.evidence import Evidence
from probe.judge.verdict import judge

NAME, AT = "shop.example", "192.0.2.1:443"
HOSTNAME, UNTRUSTED, NO_TLS = (
    "ssl_invalid_hostname",
    "ssl_unknown_authority",
    "ssl_failed_handshake",
)
OTHERS = {"subject": "CN=notice.isp.example", "issuer": "CN=A Public Authority"}


def met(shown: str | None, failure: str | None = None, **detail: Any) -> Any:
    """A handshake for the target's name at its address."""
    chain = {"peer_certificates": [shown]} if shown else {}
    return https("tls_handshake" if failure else None, failure, **chain, server_name=NAME, **detail)


def hand(
    kind: str, leaf: str | None, number: int, failure: str | None = None, **detail: Any
) -> Any:
    name = NAME if kind == f.NAME_AT_TARGET else "www.neutral.example"
    chain = [leaf] if leaf else []
    made = {"server_name": name, "verify": False, "peer_certificates": chain, **detail}
    return follow(kind, [step("connect"), step("tls_handshake", 1, failure, **made)], number)


def turns(
    neutral: Sequence[str | None] = ("b",) * TIMES, named: Sequence[str | None] = ("z",) * TIMES
) -> tuple[Measurement, ...]:
    return (
        *(hand(f.NEUTRAL_AT_TARGET, leaf, n) for n, leaf in enumerate(neutral, 1)),
        *(hand(f.NAME_AT_TARGET, leaf, n) for n, leaf in enumerate(named, 1)),
    )


def case(followups: Any = (), failure: str = HOSTNAME, leaf: str = "z", **more: Any) -> Evidence:
    there = control(met("b", verify=True))
    here = trials(met(leaf, failure, leaf=OTHERS))
    return replace(evidence(here, followups=followups, **there), **more)


def told(found: Evidence) -> tuple[str, str | None, str]:
    verdict = judge(found, DAY)
    return verdict.outcome, verdict.mechanism, verdict.rule


DIFFERS = ("inconclusive", "tls.cert.name", "certificate-differs")
BY_NAME = ("blocked", "tls.mitm.ca_signed", "diverted-by-name")


# --- a box with a certificate for another name, at the target's own address ----------------------


def test_without_what_depends_on_the_name_it_may_be_one_of_several_servers() -> None:
    assert told(case()) == DIFFERS
    assert told(case(CLEAN)) == DIFFERS
    assert told(case(turns()[:1])) == DIFFERS  # the neutral name, once


def test_what_is_diverted_by_its_name_alone_is_blocked() -> None:
    assert told(case(turns())) == BY_NAME
    assert told(case((*CLEAN, *turns()))) == BY_NAME  # at this address only


def test_one_that_is_diverted_at_any_address_is_told_by_the_decoy() -> None:
    foreign = follow(f.NAME_AT_DECOY, tls(UNTRUSTED, peer_certificates=["z"], leaf=OTHERS))
    assert told(case((NEUTRAL_OK, foreign)))[::2] == ("blocked", "certificate-at-decoy")


def test_one_of_nobody_s_making_needs_no_more_than_the_controls() -> None:
    shown = trials(met("z", UNTRUSTED, leaf=SELF))
    assert told(case(trials=shown))[1:] == ("tls.mitm.self_signed", "certificate-replaced")


def test_where_a_target_s_own_pin_decides_the_name_tells_it_too() -> None:
    def pinned(followups: Any, issuer: Any = OTHER) -> Evidence:
        there = control(met("b", verify=True, pin="b"))
        here = trials(met("z", UNTRUSTED, pin="b", leaf=issuer))
        return evidence(here, followups=followups, **there)

    assert told(pinned(()))[2] == "certificate-differs"
    assert told(pinned(turns())) == BY_NAME


def test_garbage_or_an_alert_for_the_name_alone_is_told_likewise() -> None:
    def said(followups: Any) -> Evidence:
        here = trials(met(None, NO_TLS))
        return evidence(here, followups=followups, **control(met("b", verify=True)))

    refused = tuple(
        hand(f.NAME_AT_TARGET, None, n, NO_TLS, **({"alert": "x"} if n % 2 else {}))
        for n in range(1, TIMES + 1)
    )
    assert told(said(())) == ("inconclusive", "tls", "reply-differs")
    assert told(said((*turns(named=()), *refused))) == (
        "blocked",
        "tls.injection",
        "diverted-by-name",
    )


def test_over_quic_it_is_the_same() -> None:
    def quic(shown: str, failure: str | None = None, **detail: Any) -> Any:
        chain = {"peer_certificates": [shown], "server_name": NAME, **detail}
        return [step("quic_handshake", 2, failure, **chain)]

    there = control(quic("b", verify=True), check="quic")
    over = tuple(
        replace(m, steps=tuple(replace(s, op="quic_handshake") for s in m.steps[1:]))
        for m in turns()
    )
    shown = trials(quic("z", HOSTNAME), check="quic")
    assert told(evidence(shown, followups=over, **there))[2] == "diverted-by-name"


# --- what is no proof ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "followups",
    [
        turns(named=("z",) * (TIMES - 1)),
        turns(neutral=("b",) * (TIMES - 1)),
        turns(named=("z",) * TIMES + ("b",)),  # several servers: the name met the good one once
        turns(neutral=("b",) * TIMES + ("z",)),  # or the neutral name the other
        turns(neutral=("d",) * TIMES),  # a server of many names, and what is its own is not known
        turns(neutral=(None,) * TIMES),
        turns(named=(None,) * TIMES),  # and no answer
    ],
)
def test_less_than_all_of_enough_handshakes_under_both_names_is_none(followups: Any) -> None:
    assert told(case(followups)) == DIFFERS


def test_handshakes_elsewhere_or_for_another_name_are_none() -> None:
    def with_(change: Any) -> Any:
        return tuple(
            replace(m, steps=tuple(change(s) if s.op == "tls_handshake" else s for s in m.steps))
            for m in turns()
        )

    assert told(case(with_(lambda s: s))) == BY_NAME
    assert told(case(with_(lambda s: replace(s, address="192.0.2.9:443")))) == DIFFERS
    other = with_(lambda s: replace(s, detail={**s.detail, "server_name": "a.example"}))
    assert told(case(other)) == DIFFERS
    cut = with_(lambda s: replace(s, failure="connection_reset"))
    assert told(case(cut)) == DIFFERS


def test_every_control_has_to_have_met_the_genuine_server_at_this_place_and_name() -> None:
    elsewhere = [replace(s, address="192.0.2.7:443") if s.address else s for s in met("b")]
    unverified, other_name = met("b", verify=False), met("b", verify=True)
    other_name = [
        replace(s, detail={**s.detail, "server_name": "a.example"})
        if s.op == "tls_handshake"
        else s
        for s in other_name
    ]
    for there in (elsewhere, unverified, other_name):
        second = both(control(met("b", verify=True)), control(there, id_="nyc-1"))
        assert told(case(turns(), **second)) == DIFFERS
    both_know = both(control(met("b", verify=True)), control(met("c", verify=True), id_="nyc-1"))
    assert told(case(turns(), **both_know)) == BY_NAME  # two good ones, and neither is here


def test_a_certificate_inside_a_tunnel_was_asked_for_under_no_name_that_can_be_read() -> None:
    inside = {"inside": "openvpn", "pin": "b"}
    here = trials(met("z", UNTRUSTED, leaf=OTHERS, **inside))
    there = control(met("b", verify=True, **inside))
    assert told(evidence(here, followups=turns(), **there))[2] == "certificate-differs"


def test_it_needs_trials_enough_and_controls_that_agree() -> None:
    few = case(turns())
    assert told(replace(few, trials=few.trials[:2]))[2] == "not-confirmed"
    assert told(replace(few, controls=(), control_anchors=()))[0] == "unreachable"
    bad = both(control(met("b", verify=True)), control(met("z", HOSTNAME), id_="nyc-1"))
    assert told(case(turns(), **bad))[2] == "controls-disagree"


def test_a_certificate_out_of_its_time_is_a_server_s_that_was_forgotten() -> None:
    old = trials(met("z", "ssl_invalid_certificate", verify_code=10, leaf=OTHERS))
    assert told(case(turns(), trials=old))[2] == "certificate-out-of-time"
