"""The demo's newspapers, as the program itself reads reported disruptions."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from probe.compare.reports import parse
from probe.demo.reports import reports
from probe.demo.world import read_world

START = datetime(2030, 1, 2, 23, 59, 58, tzinfo=UTC)


def test_the_first_report_tells_the_story_of_the_media_host():
    world = read_world()
    change = world.host("media.pigeon.example").changes[0]
    first, _ = parse(reports(world, START), "reports.yaml")
    assert (first.country, first.services, first.features) == ("XD", ("pigeon",), ("media",))
    assert first.country == world.vantage.country
    assert (first.expects, first.ongoing) == ("fails", False)
    assert first.end_earliest is not None
    assert first.end_latest is not None
    assert first.onset_earliest < START + timedelta(seconds=change.since) < first.onset_latest
    assert first.end_earliest < START + timedelta(seconds=change.until) < first.end_latest


def test_the_second_report_is_about_a_country_without_a_vantage():
    world = read_world()
    first, second = parse(reports(world, START), "reports.yaml")
    assert second.country != world.vantage.country
    assert second.id != first.id


def test_a_start_in_another_zone_is_the_same_instant():
    world = read_world()
    local = START.astimezone(timezone(timedelta(hours=8)))
    assert reports(world, local) == reports(world, START)


def test_a_world_without_changes_has_nothing_to_report():
    world = read_world()
    quiet = [host.model_copy(update={"changes": []}) for host in world.hosts]
    with pytest.raises(ValueError, match="nothing"):
        reports(world.model_copy(update={"hosts": quiet}), START)
