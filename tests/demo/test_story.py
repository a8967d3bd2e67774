"""The story as data: what the shipped one says, and what no story may say."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from probe.compare.reports import parse
from probe.core.strictyaml import ConfigError
from probe.demo.story import MADE_UP, SHIPPED, read_story

HOUR = timedelta(hours=1)


def test_the_shipped_story_is_july_2017_and_says_that_it_is_a_replay():
    story = read_story()
    assert (story.begins, story.ends) == (
        datetime(2017, 6, 1, tzinfo=UTC),
        datetime(2017, 8, 1, tzinfo=UTC),
    )
    for place in (*story.vantages, story.control):
        assert place.id.startswith("replay-")
    assert {place.country for place in story.vantages} == {"CN"}
    assert story.control.country != "CN"
    networks = [(place.asn, place.network) for place in story.vantages]
    assert len(set(networks)) == len(networks)
    people = [network for _, network in networks if network in {"residential", "mobile"}]
    assert len(people) >= 3
    assert {"datacenter", "leased_line"} <= {network for _, network in networks}


def test_the_special_line_is_on_no_filter():
    story = read_story()
    lines = {place.id for place in story.vantages if place.network == "leased_line"}
    assert not lines & {vantage for cut in story.filter for vantage in cut.vantages}


def test_rounds_are_closer_around_the_disruption_and_every_vantage_has_its_own_minutes():
    story = read_story()
    rounds = list(story.rounds())
    assert rounds[0] == story.begins
    assert rounds[-1] < story.ends
    for one, two in pairwise(rounds):
        assert two - one == (3 * HOUR if one in story.closer else 12 * HOUR)
    assert not set(rounds) & set(story.rounds(1))


def test_the_made_up_reports_say_that_they_are():
    false, elsewhere = parse(MADE_UP.read_bytes(), MADE_UP.name)
    assert all("made up" in report.title for report in (false, elsewhere))
    assert (false.country, false.expects, false.kind) == ("CN", "fails", "blocked")
    assert elsewhere.country not in {place.country for place in read_story().vantages}


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('address: "3ffe:b::1"', "address: 192.0.2.1", "no address of the former 6bone"),
        ("e1.whatsapp.example, address", "e1.whatsapp.net, address", "under .example or .test"),
        ("every: 12h", "every: often", "every: 'often' is no duration"),
        ("seed:", "sead:", "sead: unknown key; did you mean 'seed'?"),
        ("losses: 0.004", "losses: 4", "less than or equal to 1"),
        ("vantages: [replay-beijing-home]", "vantages: [beijing]", "no vantage beijing"),
        ("- name: v.whatsapp.example ", "- name: w.whatsapp.example ", "no host w.whatsapp"),
        ("until: 2017-07-07T10", "until: 2017-07-03T10", "'until' must be later than 'from'"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, was, becomes, told):
    text = SHIPPED.read_text()
    assert text.count(was) == 1
    path = tmp_path / "story.yaml"
    path.write_text(text.replace(was, becomes))
    with pytest.raises(ConfigError) as caught:
        read_story(path)
    assert told in str(caught.value)
    assert "story.yaml:" in str(caught.value)


def test_a_story_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        read_story(tmp_path / "nowhere.yaml")
