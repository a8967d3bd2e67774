"""probe.measure.quarantine: which places rest, for how long, and who may have been the trigger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.records import WEB, measured, resolve, step

from probe.core.address import Endpoint
from probe.core.model import Measurement, Step
from probe.measure.quarantine import SECONDS, Quarantine
from probe.net.clocks import FakeClock

NOW = datetime(2017, 7, 18, tzinfo=UTC)
AT = Endpoint("192.0.2.1", 443)
SIX = Endpoint("2001:db8::1", 443)
RESET = "connection_reset"


def cut(*places: Endpoint, op: str = "tls_handshake", failure: str = RESET) -> Measurement:
    return measured("tls", [step(op, n, failure, address=str(p)) for n, p in enumerate(places)])


def other(steps: list[Step], seconds: float = 0.0, feature: str = "else") -> Measurement:
    made = measured("tls", steps, started=NOW + timedelta(seconds=seconds))
    return replace(made, target=replace(WEB, id="other", feature=feature))


def test_a_place_rests_for_seven_minutes_and_no_moment_longer() -> None:
    clock = FakeClock(NOW)
    quarantine = Quarantine(clock.monotonic)
    assert quarantine.remaining(AT) == 0
    quarantine.anomaly(cut(AT))
    assert quarantine.remaining(AT) == SECONDS == 420
    clock.advance(419)
    assert quarantine.remaining(AT) == pytest.approx(1)
    clock.advance(1)
    assert quarantine.remaining(AT) == 0
    clock.advance(3600)
    assert quarantine.remaining(AT) == 0


def test_a_second_anomaly_begins_the_rest_anew() -> None:
    clock = FakeClock(NOW)
    quarantine = Quarantine(clock.monotonic, 100)
    quarantine.anomaly(cut(AT))
    clock.advance(60)
    quarantine.anomaly(cut(AT))
    clock.advance(60)
    assert quarantine.remaining(AT) == pytest.approx(40)


def test_it_is_the_address_with_its_port_that_rests() -> None:
    quarantine = Quarantine(FakeClock(NOW).monotonic)
    quarantine.anomaly(cut(AT, SIX))
    assert quarantine.remaining(AT) > 0
    assert quarantine.remaining(SIX) > 0
    assert quarantine.remaining(AT._replace(port=80)) == 0
    assert quarantine.remaining(AT._replace(ip="192.0.2.2")) == 0


@pytest.mark.parametrize(
    ("failure", "rests"),
    [
        ("connection_reset", True),
        ("eof_error", True),
        ("generic_timeout_error", True),
        ("timed_out", True),
        ("connection_refused", False),
        ("ssl_unknown_authority", False),
        ("interrupted", True),  # who knows what would have come
        (None, False),
    ],
)
def test_only_what_was_cut_off_or_met_silence_is_an_anomaly(
    failure: str | None, rests: bool
) -> None:
    quarantine = Quarantine(FakeClock(NOW).monotonic)
    quarantine.anomaly(measured("tls", [step("tls_handshake", 1, failure, address=str(AT))]))
    assert (quarantine.remaining(AT) > 0) is rests


def test_resolvers_do_not_rest() -> None:
    quarantine = Quarantine(FakeClock(NOW).monotonic)
    under = step("connect", 1, RESET, address=str(AT), resolver="tcp://192.0.2.1")
    asked = step("resolve", 2, "generic_timeout_error", address=str(AT))
    quarantine.anomaly(measured("https", [under, asked, resolve("generic_timeout_error")]))
    assert quarantine.remaining(AT) == 0


def test_what_is_no_address_is_passed_over() -> None:
    quarantine = Quarantine(FakeClock(NOW).monotonic)
    quarantine.anomaly(measured("tls", [step("tls_handshake", 1, RESET, address="[scrubbed]:1")]))
    quarantine.anomaly(measured("tls", [step("tls_handshake", 1, RESET, address="")]))
    assert quarantine.remaining(AT) == 0


def test_memory_is_bounded_and_the_oldest_places_are_forgotten() -> None:
    quarantine = Quarantine(FakeClock(NOW).monotonic)
    for port in range(1, 5001):
        quarantine.anomaly(cut(AT._replace(port=port)))
    assert quarantine.remaining(AT._replace(port=5000)) > 0
    assert quarantine.remaining(AT._replace(port=1)) == 0
    forgotten = other([step("tls_handshake", 1, RESET, address="192.0.2.1:1")])
    assert quarantine.neighbours(forgotten) == ()


# --- whose trigger it may have been --------------------------------------------------------------

HELLO = [step("tls_handshake", 1, RESET, address=str(AT))]


def neighbours_of(this: Measurement, *earlier: Measurement) -> tuple[Measurement, ...]:
    quarantine = Quarantine(FakeClock(NOW).monotonic)
    for measurement in earlier:
        quarantine.anomaly(measurement)
    return quarantine.neighbours(this)


def test_another_features_name_at_the_same_place_may_be_the_trigger() -> None:
    earlier = other(HELLO)
    this = measured("tls", HELLO, started=NOW + timedelta(seconds=60))
    assert neighbours_of(this, earlier) == (earlier,)


def test_targets_of_the_same_feature_and_the_target_itself_are_no_neighbours() -> None:
    this = measured("tls", HELLO, started=NOW + timedelta(seconds=60))
    assert neighbours_of(this, measured("tls", HELLO), other(HELLO, feature=WEB.feature)) == ()


def test_another_port_is_another_place() -> None:
    this = measured("tls", HELLO, started=NOW + timedelta(seconds=60))
    elsewhere = other([step("tls_handshake", 1, RESET, address="192.0.2.1:80")])
    assert neighbours_of(this, elsewhere) == ()


@pytest.mark.parametrize(("seconds", "counts"), [(419, True), (421, False)])
def test_what_was_triggered_longer_ago_than_a_quarantine_is_over(
    seconds: float, counts: bool
) -> None:
    this = measured("tls", HELLO, started=NOW + timedelta(seconds=seconds))
    assert bool(neighbours_of(this, other(HELLO))) is counts


def test_what_began_only_after_this_failure_had_ended_is_not_its_cause() -> None:
    assert neighbours_of(measured("tls", HELLO), other(HELLO, seconds=1)) == ()


def test_a_connection_that_never_came_about_sent_no_name() -> None:
    silent = other([step("connect", 1, "generic_timeout_error", address=str(AT))])
    this = measured("tls", HELLO, started=NOW + timedelta(seconds=60))
    assert neighbours_of(this, silent) == ()


def test_a_success_has_no_neighbours() -> None:
    fine = measured("tls", [step("tls_handshake", 1, address=str(AT))])
    assert neighbours_of(fine, other(HELLO)) == ()
