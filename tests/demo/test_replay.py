"""What the replay's vantages find: nobody wrote its verdicts, only the story."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from probe.demo.replay import RUN, certificates, replay
from probe.demo.story import read_story
from probe.record import scan

HERE = "vantage"


def day(number, month=7):
    return datetime(2017, month, number, tzinfo=UTC)


def played(tmp_path, where, begins, ends):
    """A part of the story from one vantage; its results folder."""
    story = read_story().model_copy(update={"begins": begins, "ends": ends})
    place = next(one for one in story.vantages if one.id == f"replay-{where}")
    certificates(story, tmp_path / "certificates")
    replay(story, place, tmp_path / "certificates", tmp_path / where)
    return tmp_path / where


def of_feature(results, service, feature):
    return [
        verdict
        for verdict in scan.verdicts(results)
        if (verdict.target, verdict.service, verdict.feature) == (None, service, feature)
    ]


def outcomes(results, service, feature, since, until):
    found = of_feature(results, service, feature)
    return Counter(verdict.outcome for verdict in found if since <= verdict.at < until)


@pytest.fixture(scope="module")
def shanghai(tmp_path_factory):
    return played(tmp_path_factory.mktemp("demo"), "shanghai-mobile", day(17), day(23))


def test_pictures_are_blocked_by_name_while_text_works(shanghai):
    media = outcomes(shanghai, "whatsapp", "media", day(18), day(21))
    assert media["blocked"] >= 20
    assert media["ok"] == 0
    text = outcomes(shanghai, "whatsapp", "text", day(18), day(21))
    assert text["ok"] >= 22
    assert set(text) <= {"ok", "inconclusive"}
    blocked = [v for v in scan.verdicts(shanghai) if v.outcome == "blocked" and v.target]
    assert {verdict.mechanism for verdict in blocked} == {"tls.reset.sni"}
    assert {verdict.target for verdict in blocked} == {"whatsapp-media", "whatsapp-registration"}


def test_every_accusation_rests_on_what_was_measured(shanghai):
    stored = {m.id: m for m in scan.measurements(shanghai)}
    accusing = [v for v in scan.verdicts(shanghai) if v.outcome == "blocked" and v.target]
    assert accusing
    for verdict in accusing:
        kinds = {stored[id_].followup for id_ in verdict.evidence}
        shown = {stored[id_].origin for id_ in (*verdict.evidence, *verdict.control.ids)}
        assert {"neutral-at-decoy", "name-at-decoy"} <= kinds or "replay-control" in shown


def test_before_and_after_pictures_come(shanghai):
    for since, until in ((day(17), day(18)), (day(22), day(23))):
        found = outcomes(shanghai, "whatsapp", "media", since, until)
        assert set(found) <= {"ok", "inconclusive"}
        assert found["ok"] >= 2


def test_all_that_is_stored_is_of_the_storys_time_and_says_that_it_is_a_replay(shanghai):
    report = scan.ScanReport()
    stored = list(scan.measurements(shanghai, report=report))
    assert (report.bad, report.unfinished) == (0, 0)
    assert {m.run for m in stored} == {RUN}
    assert {m.vantage.id for m in stored} == {"replay-shanghai-mobile", "replay-control"}
    assert all(day(17) <= m.started < day(23) for m in stored)
    assert not [m.invalid for m in stored if m.invalid]
    assert all(m.origin in {HERE, "replay-control"} for m in stored)


def test_the_special_line_sees_none_of_it(tmp_path):
    line = played(tmp_path, "shanghai-line", day(18), day(19))
    for service, feature in (("whatsapp", "media"), ("expressvpn", "tunnel")):
        found = outcomes(line, service, feature, day(18), day(19))
        assert set(found) <= {"ok", "inconclusive"}
        assert found["ok"] >= 7


def test_a_provider_that_closed_is_down_and_was_fine_before(tmp_path):
    results = played(tmp_path, "beijing-home", day(29, 6), day(4))
    gone = day(30, 6) + timedelta(hours=16)
    before = outcomes(results, "greenvpn", "tunnel", day(29, 6), gone)
    assert set(before) <= {"ok", "inconclusive"}
    # The first failures are not confirmed yet: nothing is said of them.
    after = [v.outcome for v in of_feature(results, "greenvpn", "tunnel") if v.at >= gone]
    assert after[:2] == ["inconclusive", "inconclusive"]
    assert set(after[2:]) <= {"down", "unreachable", "inconclusive"}
    assert after.count("down") >= 4
    fine = outcomes(results, "expressvpn", "tunnel", gone, day(4))
    assert set(fine) <= {"ok", "inconclusive"}


def test_while_offline_nothing_is_concluded(tmp_path):
    results = played(tmp_path, "guangzhou-home", day(4), day(8))
    (gap,) = next(p for p in read_story().vantages if p.offline).offline
    seen = [v.outcome for v in scan.verdicts(results) if v.at in gap]
    assert len(seen) > 20
    assert set(seen) == {"offline"}
    assert "ok" in {v.outcome for v in scan.verdicts(results) if v.at >= gap.until}


def test_the_same_seed_gives_the_same_verdicts_and_another_gives_others(tmp_path):
    def told(name, **changes):
        folder = tmp_path / name
        story = read_story().model_copy(
            update={"begins": day(19), "ends": day(20), "losses": 0.05, **changes}
        )
        place = next(one for one in story.vantages if one.id == "replay-beijing-home")
        certificates(story, folder)
        replay(story, place, folder, folder / "results")
        return [
            (v.at, v.target, v.feature, v.outcome, v.mechanism, v.rule)
            for v in scan.verdicts(folder / "results")
        ]

    first = told("first")
    assert told("again") == first
    assert told("other", seed=1) != first
