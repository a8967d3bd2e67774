"""probe.measure.by_turns: whether it is the name that decides what answers at its own address."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from support.authority import serving
from support.control import anchor_there, there
from support.investigating import (
    DECOY,
    NAME,
    NEUTRAL,
    PAGE,
    TARGET,
    WITHIN,
    World,
    by_name,
    honest,
    job,
    leaf,
)
from support.records import anchor, https, measured
from support.servers import Serve, closing, page, resetting, tls
from support.virtual import DAY, run_virtual

from probe.core.model import Verdict
from probe.judge import followups as f
from probe.judge.by_name import TIMES
from probe.judge.evidence import Evidence
from probe.judge.verdict import judge
from probe.net.fake import FakePeer

OTHER = "notice.isp.example"
TURNS = {f.NEUTRAL_AT_TARGET, f.NAME_AT_TARGET}


def genuine() -> Serve:
    return tls(serving(NAME), page(b"the shop"))


def box() -> Serve:
    """Somebody with a good certificate for a name of its own."""
    return tls(serving(OTHER), page(b"a notice"))


async def notice(peer: FakePeer) -> None:
    """Answers in plain HTTP whatever comes."""
    await peer.receive()
    peer.send(page(b"This site is blocked."))


def evidence(times: int = 3, failure: str = "ssl_invalid_hostname") -> Evidence:
    """The name is shown another's certificate here, and its own at a control."""
    here: dict[str, Any] = {"address": str(TARGET), "server_name": NAME}
    shown = {"peer_certificates": [leaf(OTHER)]} if "hostname" in failure else {}
    wrong = https("tls_handshake", failure, **shown, **here)
    good = https(peer_certificates=[leaf(NAME)], verify=True, **here)
    url = f"https://{NAME}/"
    return Evidence(
        trials=tuple(replace(measured("https", wrong, url=url), trial=n + 1) for n in range(times)),
        anchors=(anchor(up=True),),
        controls=(there(DAY, origin="fra-1", steps=tuple(good)),),
        control_anchors=(anchor_there(DAY, origin="fra-1", role="anchor"),),
    )


def investigated(at_target: Serve, at_decoy: Serve, found: Evidence) -> tuple[World, Verdict]:
    world = World(tcp={TARGET: at_target, DECOY: at_decoy})
    world.investigate(found)
    return world, judge(replace(found, followups=tuple(world.recorded)), DAY)


def turns(world: World) -> list[str]:
    """What was sent by turns, after the neutral handshake that every failure draws."""
    kinds = [kind for kind in world.kinds if kind in TURNS]
    assert kinds[:1] == [f.NEUTRAL_AT_TARGET]
    return kinds[1:]


def test_both_names_are_sent_by_lot_where_the_name_decides() -> None:
    world, verdict = investigated(by_name(genuine(), box()), honest(), evidence())
    assert Counter(turns(world)) == dict.fromkeys(TURNS, TIMES)
    made = [m for m in world.recorded if m.followup in TURNS][1:]
    assert [m.trial for m in made] == list(range(1, 2 * TIMES + 1))
    assert {str(m.followup): m.steps[1].detail["server_name"] for m in made} == {
        f.NEUTRAL_AT_TARGET: NEUTRAL,
        f.NAME_AT_TARGET: NAME,
    }
    assert {m.steps[0].address for m in made} == {str(TARGET)}
    assert (verdict.outcome, verdict.rule) == ("blocked", "diverted-by-name")
    assert verdict.mechanism == "tls.mitm.ca_signed"


def test_what_is_no_tls_under_the_name_alone_is_found_out_likewise() -> None:
    found = evidence(failure="ssl_failed_handshake")
    world, verdict = investigated(by_name(genuine(), notice), honest(), found)
    assert Counter(turns(world)) == dict.fromkeys(TURNS, TIMES)
    assert (verdict.outcome, verdict.mechanism) == ("blocked", "tls.injection")
    assert verdict.rule == "diverted-by-name"
    # Where it is put in at any address, the decoy has told it.
    world, verdict = investigated(by_name(genuine(), notice), by_name(honest(), notice), found)
    assert f.NAME_AT_TARGET not in world.kinds
    assert (verdict.outcome, verdict.rule) == ("blocked", "reply-at-decoy")


def test_no_two_investigations_need_have_the_same_order() -> None:
    orders = set()
    for _ in range(4):  # four alike: once in 12 870 cubed
        world, _ = investigated(by_name(genuine(), box()), honest(), evidence())
        orders.add(tuple(turns(world)))
    assert len(orders) > 1


@pytest.mark.parametrize("answer", [closing, resetting])
def test_what_is_cut_off_under_the_name_is_no_answer(answer: Serve) -> None:
    world, verdict = investigated(by_name(genuine(), answer), honest(), evidence())
    assert turns(world)[-1] == f.NAME_AT_TARGET
    assert verdict.rule == "certificate-differs"


def test_a_name_that_meets_the_genuine_server_ends_it() -> None:
    # One of several servers was met before, and now the other; or it has been mended.
    world, verdict = investigated(genuine(), honest(), evidence())
    assert turns(world)[-1] == f.NAME_AT_TARGET
    assert turns(world).count(f.NAME_AT_TARGET) == 1
    assert (verdict.outcome, verdict.rule) == ("inconclusive", "certificate-differs")


def test_a_neutral_name_that_meets_another_server_begins_nothing() -> None:
    # This vantage is always led to the same one of several, whatever the name.
    world, verdict = investigated(box(), honest(), evidence())
    assert turns(world) == []
    assert (verdict.outcome, verdict.rule) == ("inconclusive", "certificate-differs")


def test_nothing_more_is_sent_where_something_else_decides_or_too_little_is_known() -> None:
    at_target = by_name(genuine(), box())
    for found, at_decoy in (
        (evidence(), by_name(honest(), box())),  # the decoy shows it already
        (evidence(2), honest()),
        (replace(evidence(), controls=()), honest()),
    ):
        world, _ = investigated(at_target, at_decoy, found)
        assert f.NAME_AT_TARGET not in world.kinds
    wrong = evidence()
    elsewhere = https(peer_certificates=[leaf(NAME)], verify=True, address="192.0.2.9:443")
    there_ = (replace(wrong.controls[0], steps=tuple(elsewhere)),)
    world, _ = investigated(at_target, honest(), replace(wrong, controls=there_))
    assert turns(world) == []  # nobody knows what the genuine one would be


def test_on_a_schedule_the_neutral_handshake_before_the_trial_begins_it() -> None:
    """The harmless bytes beside it, on which the server closes, let the place rest until later."""
    found = evidence()
    world = World(tcp={TARGET: by_name(genuine(), box()), DECOY: honest(PAGE.encode())})

    async def main() -> None:
        before = await world.tools.at_targets(job(found), "now", found.trial)
        assert world.quarantine.remaining(TARGET) > WITHIN
        known = replace(found, followups=before)
        await world.tools.investigate(job(found), known, WITHIN)

    run_virtual(main())
    assert Counter(turns(world)) == dict.fromkeys(TURNS, TIMES)


def test_where_the_place_rests_and_nothing_was_met_there_nothing_is_sent() -> None:
    found = evidence()
    world = World(tcp={TARGET: by_name(genuine(), box()), DECOY: honest()})
    world.quarantine.anomaly(
        measured(steps=https("tls_handshake", "connection_reset", address=str(TARGET)))
    )
    world.investigate(found)
    assert TURNS & set(world.kinds) == set()
