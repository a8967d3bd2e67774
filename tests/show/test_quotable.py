"""probe.show.quotable: sentences that say no more than was looked at."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from probe.core.model import Vantage
from probe.judge.service import Failing, InSum, Part
from probe.show.quotable import as_data, place, sentence

CHINA = Vantage(id="sh", country="CN", asn=4134, network="residential")
AT = datetime(2017, 7, 18, 8, tzinfo=UTC)
TITLES = {"whatsapp": "WhatsApp"}


def part(feature="text", outcome="ok", **more):
    usual = {
        "mechanism": None,
        "covered": "response",
        "policy": "all",
        "ok": 1,
        "failed": 0,
        "control": None,
    }
    given = {**usual, **more}
    return Part(
        feature=feature,
        outcome=outcome,
        any_ok=given["ok"] > 0,
        all_ok=given["failed"] == 0,
        **given,
    )


def told(*parts, service="whatsapp", vantage=CHINA):
    return sentence(InSum(service=service, vantage=vantage, at=AT, features=parts), TITLES)


def test_the_day_on_which_pictures_stopped():
    text = part(covered="handshake", ok=36)
    media = part("media", "blocked", mechanism="tls.reset.sni", ok=0, failed=5, control="ok")
    assert told(text, media) == (
        "WhatsApp from CN, AS4134: text connects (handshake only); media blocked (tls.reset.sni, "
        "5 of 5 targets, control ok) [2017-07-18 08:00 UTC]"
    )


@pytest.mark.parametrize(
    ("covered", "says"),
    [
        ("lookup", "calls has a name that resolves (nothing more was asked)"),
        ("handshake", "calls connects (handshake only)"),
        ("response", "calls answers (first response only)"),
        ("transfer", "calls transfers data"),
    ],
)
def test_an_ok_says_how_far_it_looked_and_nothing_works(covered, says):
    text = told(part("calls", covered=covered))
    assert says in text
    assert "work" not in text
    assert " ok" not in text


def test_a_part_that_is_blocked_shows_under_every_policy():
    blocked = (Failing(outcome="blocked", mechanism="vpn.timeout", count=1),)
    any_of = part(policy="any", ok=4, failed=1, covered="handshake", failing=blocked)
    said = "text connects (handshake only), but only 4 of 5 targets do: 1 blocked (vpn.timeout)"
    assert said in told(any_of)
    all_of = part(
        outcome="blocked", mechanism="vpn.timeout", ok=4, failed=1, control="ok", failing=blocked,
        others="handshake",
    )  # fmt: skip
    assert (
        "text blocked (vpn.timeout, 1 of 5 targets, control ok), "
        "while the other 4 connect (handshake only)"
    ) in told(all_of)


@pytest.mark.parametrize(
    ("ok", "others", "says"),
    [
        (1, "lookup", "while the other one has a name that resolves (nothing more was asked)"),
        (1, "response", "while the other one answers (first response only)"),
        (2, "lookup", "while the other 2 have names that resolve (nothing more was asked)"),
        (2, "transfer", "while the other 2 transfer data"),
        (2, None, "while the other 2 did not fail"),
        (1, None, "while the other one did not fail"),
        (0, None, "control ok) ["),
    ],
)
def test_of_the_others_no_more_is_said_than_was_looked_at(ok, others, says):
    blocked = part(outcome="blocked", mechanism="x", ok=ok, failed=3, control="ok", others=others)
    assert says in told(blocked)


def test_what_fails_in_another_way_is_not_counted_as_blocked():
    failing = (
        Failing(outcome="unreachable", mechanism="tcp.timeout", count=3),
        Failing(outcome="blocked", mechanism="tls.reset.sni", count=2),
    )
    said = {"mechanism": "tls.reset.sni", "ok": 0, "failed": 5, "control": "ok"}
    media = part("media", "blocked", failing=failing, **said)
    assert (
        "media blocked (tls.reset.sni, 2 of 5 targets, control ok), 3 unreachable (tcp.timeout) ["
    ) in told(media)
    # Neither alone breaks the policy: together they are no more than unreachable.
    failing = (failing[1], Failing(outcome="down", mechanism=None, count=3))
    mixed = part("media", "unreachable", failing=failing, **{**said, "control": None})
    assert (
        "nothing tells which (5 of 5 targets, no word of a control): "
        "2 blocked (tls.reset.sni), 3 down ["
    ) in told(mixed)


@pytest.mark.parametrize(
    ("outcome", "control", "says"),
    [
        (
            "unreachable",
            None,
            "nothing tells which (tcp.timeout, 2 of 2 targets, no word of a control)",
        ),
        ("down", "unreachable", "text down, elsewhere too (tcp.timeout, 2 of 2 targets)"),
        ("blocked", "down", "control down"),
        ("offline", None, "not measured: the vantage had no working network"),
        ("invalid", None, "not measured: an error of the probe's own"),
        ("denied", "ok", "refused by the server itself"),
    ],
)
def test_what_is_not_ok_says_what_is_known(outcome, control, says):
    told_part = part(outcome=outcome, mechanism="tcp.timeout", ok=0, failed=2, control=control)
    assert says in told(told_part)


def test_a_vantage_is_called_by_what_is_known_of_it():
    assert place(CHINA) == "CN, AS4134"
    assert place(replace(CHINA, asn=None)) == "CN"
    assert place(replace(CHINA, country="ZZ", asn=None)) == "the vantage sh"
    assert told(part(), service="mine").startswith("mine from CN")


def test_programs_get_the_same_with_both_answers():
    data = as_data(InSum(service="whatsapp", vantage=CHINA, at=AT, features=(part(),)), TITLES)
    assert data["sentence"] == told(part())
    assert data["at"] == "2017-07-18T08:00:00.000000Z"
    (feature,) = data["features"]
    assert (feature["any_ok"], feature["all_ok"], feature["covered"]) == (True, True, "response")


def test_a_vantage_without_a_network_says_so_once():
    parts = [part(name, "offline", ok=0, failed=3) for name in ("text", "media")]
    said = "WhatsApp from CN, AS4134: not measured: the vantage had no working network [2017-07-18"
    assert told(*parts).startswith(said)
