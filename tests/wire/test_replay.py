"""probe.wire.replay: each number once, whatever the order, and none that is too old."""

from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import sampled

from probe.wire.replay import ReplayWindow


@sampled
@given(st.lists(st.integers(0, 40)), st.integers(1, 16))
def test_it_knows_what_came_and_takes_the_rest_for_replays_once_it_is_old(numbers, size):
    window, seen = ReplayWindow(size), set()
    for number in numbers:
        newest = max(seen, default=-1)
        assert window.came_before(number) is (number in seen or number <= newest - size)
        if not window.came_before(number):
            window.note(number)
            seen.add(number)
            assert window.came_before(number)
