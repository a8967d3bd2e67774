"""probe.run.alerts.wording: what is said is what the verdict says, and no more."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from support.records import verdict
from support.virtual import DAY

from probe.core.model import Control, Members
from probe.run.alerts import wording
from probe.run.alerts.follow import Change

SHANGHAI = ZoneInfo("Asia/Shanghai")


def change(outcome="blocked", before="ok", **more):
    given = {
        "kind": "changed",
        "before": before,
        "was_since": DAY - timedelta(days=2, hours=3),
        "outcome": outcome,
        "since": DAY,
        "count": 3,
        "verdict": replace(verdict(None, outcome), at=DAY + timedelta(minutes=20)),
    }
    return Change(**{**given, **more})


def test_a_change_has_its_evidence():
    newest = replace(
        verdict(None, "blocked"),
        at=DAY + timedelta(minutes=20),
        mechanism="tls.reset.sni",
        covered="handshake",
        control=Control(ids=("c",), outcome="ok"),
        members=Members(ok=1, failed=2),
        policy="quorum 2",
        note="it fails here and answers at every control",
    )
    found = change(verdict=newest)
    assert wording.headline("pigeon text", found) == "pigeon text: blocked (tls.reset.sni)"
    assert wording.lines(found, SHANGHAI, 3600) == [
        (
            "first seen 2017-07-18 08:00 Asia/Shanghai, in 3 cycles until "
            "2017-07-18 08:20 Asia/Shanghai; before that ok for 2 d 3 h"
        ),
        (
            "newest verdict: blocked (tls.reset.sni); looked as far as handshake; "
            "1 of 3 targets ok (needed: quorum 2); the control: ok; "
            "it fails here and answers at every control"
        ),
        f"more: probe explain {newest.id}",
    ]


@pytest.mark.parametrize(
    ("covered", "said", "unsaid"),
    [
        ("lookup", "nothing further was tried", "answers;"),
        ("handshake", "no answer was asked for", "data passes"),
        ("response", "a longer transfer was not tried", "data passes"),
        ("transfer", "data passes", "not tried"),
    ],
)
def test_a_recovery_promises_no_more_than_was_looked_at(covered, said, unsaid):
    found = change("ok", "blocked", verdict=replace(verdict(None, "ok"), covered=covered))
    text = "\n".join([wording.headline("pigeon media", found), *wording.lines(found, SHANGHAI, 1)])
    assert text.startswith("pigeon media: ok again")
    assert said in text
    assert unsaid not in text
    assert "control" not in text


def test_a_failure_without_a_control_says_so():
    assert "; no control" in wording.evidence(verdict(None, "unreachable"))


def test_failures_that_differ_accuse_nobody():
    newest = replace(verdict(None, "blocked"), mechanism="tls.reset.sni")
    found = change("unreachable", mixed=True, verdict=newest)
    assert wording.headline("a", found) == "a: unreachable"
    assert "it failed in different ways" in wording.lines(found, SHANGHAI, 1)[1]


def test_flapping_says_when_it_will_be_told_of_again():
    found = change(kind="flapping")
    assert wording.headline("a", found) == "a: keeps changing"
    assert any(
        "stays the same for 6 h 0 min" in line for line in wording.lines(found, SHANGHAI, 21600)
    )


def test_addresses_and_control_characters_do_not_get_out():
    newest = replace(verdict(None, "down"), note="udp://10.1.2.3 answers\x1b[31m\nfor 2001:db8::7")
    said = wording.evidence(newest)
    assert "10.1.2.3" not in said
    assert "2001:db8" not in said
    assert said.isprintable()


def test_a_message_has_an_end():
    many = [f"feature {n}" for n in range(100)]
    text = wording.whole(many, [["x" * 200]] * 100, dropped=7)
    assert len(text) <= wording.LONGEST
    assert text.startswith("7 older messages were dropped")
    kept = text.count("feature ")
    assert text.endswith(f"and {100 - kept} more")
    assert len(wording.whole(["a"], [["y" * 9000]], 0)) == wording.LONGEST


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(20, "0 min"), (90, "2 min"), (3600, "1 h 0 min"), (100_000, "1 d 3 h"), (-5, "0 min")],
)
def test_spans(seconds, said):
    assert wording.span(seconds) == said
