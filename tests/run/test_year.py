"""Weeks in the life of a probe; bench/year.py lives through a whole year of two hundred targets."""

from support.year import Life


def test_every_turn_of_a_long_life_is_accounted_for(tmp_path):
    life = Life(tmp_path, targets=10, every="2h", days=21)
    tally = life.live()
    assert life.runs > 2
    assert tally.doubled == 0
    assert tally.accounted == life.expected > 1500
    assert tally.late < 1
    assert tally.waiting == 0
    assert tally.events["start"] == tally.events["stop"] == life.runs
    assert tally.events["clock_jump"] > 0
    assert tally.told.keys() <= {"missed", "left out"}
    assert {"ok", "offline", "unreachable"} <= set(tally.outcomes)
