"""probe.checks.openvpn_tunnel on a scripted network: data behind a login, and when it stops."""

import itertools

import pytest
from support.client_certificate import tunnel_authority
from support.kits import run_check
from support.openvpn_login import PUSH
from support.openvpn_login_checks import (
    AT,
    LOGGED_IN,
    REFUSED,
    TIMEOUT,
    data,
    nothing,
    run,
    server,
    up_to,
    user,
)

from probe.checks.openvpn import OpenVpnUdpCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork


def test_loss_is_no_failure() -> None:
    lost = {"there": lambda number: number % 3 != 0, "back": lambda number: number % 5 != 0}
    step = data(server(**lost))
    assert step.failure is None
    assert 8 <= step.detail["received"] < step.detail["sent"]


def test_silence_that_outlasts_the_servers_own_pings_is_an_end() -> None:
    step = data(server(back=up_to(6)))
    assert (step.failure, step.detail["stops"], step.detail["received"]) == (TIMEOUT, 6, 6)
    assert step.detail["again"] is True  # the control channel still lives
    assert {"never", "forgotten"}.isdisjoint(step.detail)
    assert 13.0 < step.t - step.t0 < 20.0


def test_that_nothing_ever_came_is_told() -> None:
    step = data(server(back=nothing))
    assert (step.failure, step.detail["never"], step.detail["stops"]) == (TIMEOUT, True, 0)
    assert step.detail["again"] is True


def test_where_nothing_passes_any_more_the_control_channel_is_silent_too() -> None:
    step = data(server(back=up_to(6), deaf=7, there=lambda number: number < 7))
    assert step.detail["again"] is False


def test_a_server_that_forgot_us_answers_another_conversation_and_is_no_filter() -> None:
    step = data(server(deaf=7))
    assert (step.failure, step.detail["received"]) == (TIMEOUT, 6)
    assert (step.detail["again"], step.detail["forgotten"]) == (False, True)
    assert "stops" not in step.detail


@pytest.mark.parametrize("ping", [1, 2, 10, 12])
def test_nobody_inside_who_answers_is_no_failure_because_the_server_pings(ping: int) -> None:
    push = PUSH.replace("ping 10", f"ping {ping}")
    step = data(server(inside=False, pings=ping, push=(push,)))
    assert (step.failure, step.detail["received"]) == (None, 0)
    assert step.detail["keepalives"] >= 1
    assert step.t - step.t0 < ping + 4.0


def test_a_silence_as_long_as_the_promised_pings_is_waited_for() -> None:
    # The last answer comes after about half a second, a ping 12 seconds later.
    push = PUSH.replace("ping 10", "ping 12")
    step = data(server(back=up_to(6), push=(push,)))
    assert step.detail["stops"] == 6
    assert step.t - step.t0 > 15.0


@pytest.mark.parametrize(
    "promised",
    ["ping 20,ping-restart 60", "ping 10", "ping-restart 60", "ping 90,ping-restart 60", "x"],
)
def test_who_promised_nothing_soon_enough_is_not_missed(promised: str) -> None:
    push = PUSH.replace("ping 10,ping-restart 60", promised)
    silent = data(server(inside=False, pings=None, push=(push,)))
    assert (silent.failure, silent.detail["unheard"], silent.detail["again"]) == (None, True, True)
    # Answers that end are a failure, and no end that anybody could be blamed for.
    ended = data(server(back=up_to(6), pings=None, push=(push,)))
    assert (ended.failure, ended.detail["again"]) == (TIMEOUT, True)
    assert {"stops", "unheard"}.isdisjoint(ended.detail)


def test_a_server_that_is_gone_is_missed_all_the_same() -> None:
    push = PUSH.replace("ping 10,ping-restart 60", "x")
    step = data(server(inside=False, pings=None, push=(push,), deaf=1))
    assert (step.failure, step.detail["again"]) == (TIMEOUT, False)
    assert {"stops", "unheard"}.isdisjoint(step.detail)


def test_with_more_time_rarer_pings_can_be_waited_for() -> None:
    push = PUSH.replace("ping 10", "ping 20")
    step = data(server(back=nothing, push=(push,)), timeouts={"transfer": 30.0})
    assert (step.detail["never"], step.detail["stops"]) == (True, 0)
    assert step.t - step.t0 > 23.0


def test_pings_do_not_show_that_ours_arrive() -> None:
    step = data(server(there=up_to(6), pings=2.0))
    assert (step.failure, step.detail["one_way"], step.detail["received"]) == (TIMEOUT, True, 6)
    assert "stops" not in step.detail
    # Where nobody ever answered, it may well be that nobody inside does.
    never = data(server(there=nothing, pings=2.0))
    assert (never.failure, never.detail["received"], never.detail["again"]) == (None, 0, True)


@pytest.mark.parametrize("inside", [True, False])
def test_where_nothing_of_ours_arrives_any_more_pings_are_no_comfort(inside: bool) -> None:
    # What is dropped is the flow, in one direction: data and the control channel alike.
    there = server(inside=inside, there=up_to(6), pings=2.0)
    there.control = lambda _: len(there.got) < 6
    step = data(there)
    assert step.failure == TIMEOUT
    assert (step.detail["one_way"], step.detail["again"]) == (True, False)
    assert (step.detail["received"], step.detail["keepalives"] > 0) == (6 if inside else 0, True)
    assert "stops" not in step.detail


def test_what_the_keys_do_not_open_is_counted() -> None:
    step = data(server(junk=b"\x48" + bytes(60)))
    assert (step.failure, step.detail["strays"], step.detail["received"]) == (None, 20, 20)


@pytest.mark.parametrize(
    ("said", "failure"),
    [(b"RESTART\0", "eof_error"), (b"HALT,x\0", "eof_error"), (b"AUTH_FAILED\0", REFUSED)],
)
@pytest.mark.parametrize("tcp", [False, True])
def test_a_server_may_end_it_by_a_word(said: bytes, failure: str, tcp: bool) -> None:
    step = data(server(tcp=tcp, says=(5, said)))
    assert step.failure == failure
    assert step.detail["received"] <= 5


def test_what_else_it_says_is_acknowledged_and_changes_nothing() -> None:
    there = server(says=(5, b"INFO,hello\0"))
    assert data(there).detail["received"] == 20
    assert there.server.again() == []  # nothing that was not acknowledged


def test_more_packets_or_none_and_to_whom_it_is_told() -> None:
    assert data(server(), data=30).detail["received"] == 30
    assert [step.op for step in run(server(), data=0).steps] == LOGGED_IN
    there = server()
    assert data(there, tunnel_peer="10.98.0.9").detail["received"] == 20
    assert there.got[0][16:20] == bytes([10, 98, 0, 9])


def test_addresses_are_tried_one_after_another() -> None:
    second = Endpoint("192.0.2.8", 1194)
    where = {"host": AT.ip, "port": AT.port, "addresses": (AT.ip, second.ip)}
    check = OpenVpnUdpCheck(**where, ca_file=tunnel_authority().ca_file, **user())
    steps = run_check(check, FakeNetwork(udp={AT: server(), second: server()}), budget=60.0).steps
    assert [step.address for step in steps] == [str(AT)] * 5 + [str(second)] * 5
    assert all(before.t <= after.t0 for before, after in itertools.pairwise(steps))
