"""Who may use the echo and the transfers, and until when."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.control.sessions import MAX_SESSIONS, Sessions
from probe.net.clocks import FakeClock

CLIENT = "198.51.100.7"
OTHER = "203.0.113.9"


@pytest.fixture
def clock():
    return FakeClock(datetime(2017, 7, 18, tzinfo=UTC))


def test_nothing_is_allowed_before_a_session_is_opened(clock):
    sessions = Sessions(clock)
    assert not sessions.allows_echo(CLIENT)
    assert not sessions.allows_token("")


def test_a_session_opens_the_echo_for_its_own_address_only(clock):
    sessions = Sessions(clock)
    sessions.open(CLIENT)
    assert sessions.allows_echo(CLIENT)
    assert not sessions.allows_echo(OTHER)


def test_a_session_ends_after_its_seconds_and_a_new_one_prolongs_the_echo(clock):
    sessions = Sessions(clock, seconds=60)
    first = sessions.open(CLIENT)
    clock.advance(59.9)
    assert sessions.allows_token(first)
    assert sessions.allows_echo(CLIENT)
    second = sessions.open(CLIENT)
    clock.advance(0.1)
    assert not sessions.allows_token(first)
    assert sessions.allows_token(second)
    assert sessions.allows_echo(CLIENT)
    clock.advance(59.9)
    assert not sessions.allows_token(second)
    assert not sessions.allows_echo(CLIENT)


@pytest.mark.parametrize(
    ("opened", "seen"), [("::ffff:198.51.100.7", CLIENT), (CLIENT, "::ffff:c633:6407")]
)
def test_an_ipv4_mapped_address_is_its_ipv4_address(clock, opened, seen):
    sessions = Sessions(clock)
    sessions.open(opened)
    assert sessions.allows_echo(seen)


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1", "10.0.0.1", "::ffff:192.168.0.1", "fe80::1%lo"])
def test_the_echo_stays_shut_for_private_addresses_unless_they_are_allowed(clock, ip):
    shut, wide = Sessions(clock), Sessions(clock, allow_private=True)
    token = shut.open(ip)
    wide.open(ip)
    assert not shut.allows_echo(ip)
    assert shut.allows_token(token)
    assert wide.allows_echo(ip)


@pytest.mark.parametrize("wrong", ["", "x", "\udcff", "é" * 4000, "\0"])
def test_a_wrong_token_is_refused_whatever_it_is(clock, wrong):
    sessions = Sessions(clock)
    token = sessions.open(CLIENT)
    for each in (wrong, token[:-1], token + "x", token.swapcase()):
        assert not sessions.allows_token(each)


def test_tokens_are_unlike_and_may_stand_in_a_url(clock):
    sessions = Sessions(clock)
    tokens = {sessions.open(CLIENT) for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(t) >= 32 and t.replace("-", "").replace("_", "").isalnum() for t in tokens)


def test_what_is_no_address_opens_nothing(clock):
    with pytest.raises(ValueError, match="address"):
        Sessions(clock).open("client.example")


def test_beyond_the_bound_the_oldest_session_ends(clock):
    sessions = Sessions(clock)
    tokens = [sessions.open(f"2001:db8::{n:x}") for n in range(MAX_SESSIONS + 1)]
    assert len(sessions) == MAX_SESSIONS
    assert not sessions.allows_token(tokens[0])
    assert not sessions.allows_echo("2001:db8::")
    assert sessions.allows_token(tokens[1])
    assert sessions.allows_echo("2001:db8::1")


@given(
    st.lists(
        st.tuples(st.floats(0, 40, allow_nan=False), st.integers(0, 5), st.integers(1, 400)),
        max_size=12,
    )
)
def test_only_live_sessions_are_held_and_never_more_than_the_bound(moves):
    clock = FakeClock(datetime(2017, 7, 18, tzinfo=UTC))
    sessions = Sessions(clock, seconds=60)
    opened = {}
    for pause, host, times in moves:
        clock.advance(pause)
        ip = f"198.51.100.{host}"
        for _ in range(times):
            last = sessions.open(ip)
        opened[ip] = clock.monotonic()
        assert times <= len(sessions) <= MAX_SESSIONS
        assert sessions.allows_token(last)
        for each, at in opened.items():
            assert sessions.allows_echo(each) == (clock.monotonic() < at + 60)
    clock.advance(60)
    sessions.open("203.0.113.1")
    assert len(sessions) == 1
