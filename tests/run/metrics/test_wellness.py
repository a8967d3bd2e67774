"""probe.run.metrics.wellness: a probe that hangs or cannot write is not well."""

from support.seen import pigeon, sources
from support.virtual import VirtualClock

from probe.run.metrics.table import Room
from probe.run.metrics.wellness import wellness


class Hand(VirtualClock):
    """A clock that is set by hand."""

    at = 0.0

    def monotonic(self):
        return self.at


def looked(clock, **more):
    source = sources(pigeon(schedule={"every": "10m"}, **more), clock)
    return source, lambda: wellness(source, clock)


def test_a_probe_that_has_just_begun_is_well_until_its_first_cycle_is_overdue():
    clock = Hand()
    _, look = looked(clock)
    clock.at = 1800
    assert look().well
    assert look().detail["last_cycle_age_seconds"] is None
    clock.at = 1801
    assert look().reasons == ("no cycle has ended in 1801 s; more than 1800 s are too long",)


def test_a_cycle_that_ends_makes_it_well_again():
    clock = Hand()
    source, look = looked(clock)
    clock.at = 5000
    source.seen.started("a", 0.0)
    assert not look().well
    source.seen.ended("a")
    assert look().well
    clock.at = 7000
    assert look().reasons == ("the newest cycle ended 2000 s ago; more than 1800 s are too long",)


def test_how_old_is_too_old_can_be_told():
    clock = Hand()
    _, look = looked(clock, metrics={"listen": "127.0.0.1:9469", "stale_after": "1h"})
    clock.at = 3600
    assert look().well
    clock.at = 3601
    assert not look().well


def test_short_periods_leave_five_minutes():
    clock = Hand()
    source = sources(pigeon(schedule={"every": "1s"}), clock)
    clock.at = 300
    assert wellness(source, clock).well


def test_results_that_cannot_be_written_are_a_reason():
    clock = Hand()
    source = sources(clock=clock, room=lambda: Room(0, 9, waiting=12, dropped=0))
    found = wellness(source, clock)
    assert found.reasons == ("12 results wait in memory: they cannot be written",)
    assert found.detail["disk_free_bytes"] == 0


def test_quiet_hours_are_no_illness():
    clock = Hand()
    targets = [{"id": "a", "url": "tcp://192.0.2.1:1", "quiet": ["01:00-05:00"]}]
    source = sources(pigeon(targets=targets, schedule={"every": "10m"}), clock)
    well = []
    for minute in range(0, 420, 10):
        clock.at = minute * 60.0
        if not 60 <= minute < 300:
            source.seen.started("a", 0.0)
            source.seen.ended("a")
        well.append(wellness(source, clock).well)
    assert all(well)
    clock.at += 1801
    assert not wellness(source, clock).well
