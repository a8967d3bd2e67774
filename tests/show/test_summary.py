"""probe.show.summary: what a person sees at a glance, from a stream of any length."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from probe.core.model import Measurement, Outcome, Software, Step, Target, Vantage
from probe.record.join import Judged
from probe.show.summary import SAMPLE, summarise, write_table

AT = datetime(2017, 7, 18, 4, tzinfo=UTC)
MEASUREMENT = Measurement(
    id="m",
    run="r",
    cycle="c",
    started=AT,
    vantage=Vantage(id="local"),
    target=Target(id="e1", service="messenger", feature="text", url="tcp://192.0.2.1:1"),
    check="tcp",
    software=Software(name="probe", version="0"),
)
KEY = ("messenger", "text", "e1")


def took(seconds: float, minute: int = 0, failure: str | None = None) -> Measurement:
    step = Step(op="connect", transaction=1, t0=0.0, t=seconds, failure=failure)
    return replace(MEASUREMENT, started=AT + timedelta(minutes=minute), steps=(step,))


def told(outcome: Outcome, mechanism: str | None = None) -> Judged:
    return Judged(outcome, mechanism, None, "rule", None)


def at(target: str, service: str = "messenger") -> Measurement:
    return replace(took(0.1), target=replace(MEASUREMENT.target, id=target, service=service))


def test_counts_share_commonest_failure_and_times() -> None:
    rows = [
        (took(0.1, 5), told("ok")),
        (took(0.3, 0), told("ok")),
        (took(9.0, 9, "generic_timeout_error"), told("unreachable", "tcp.timeout")),
        (took(9.0, 7, "generic_timeout_error"), told("unreachable", "tcp.timeout")),
        (took(0.0, 8, "connection_refused"), told("unreachable", "tcp.refused")),
        (took(0.0, 8, "network_unreachable"), told("offline")),
        (took(0.2, 8), None),
    ]
    found = summarise(rows)[KEY]
    assert found.count == 7
    assert found.ok_share == 2 / 5
    assert found.commonest_failure == ("unreachable", "tcp.timeout", 2)
    assert sorted(found.sample) == [100.0, 200.0, 300.0]
    assert (found.first, found.last) == (AT, AT + timedelta(minutes=9))


def test_what_says_nothing_about_the_target_does_not_count_against_it() -> None:
    found = summarise([(took(0.1), told("offline")), (took(0.1), told("invalid"))])[KEY]
    assert found.ok_share is None
    assert found.commonest_failure
    unjudged = summarise([(took(0.1), None)])[KEY]
    assert (unjudged.ok_share, unjudged.commonest_failure) == (None, None)


def test_the_median_comes_from_a_bounded_sample_of_the_whole_stream() -> None:
    count = SAMPLE * 20
    rows = ((took(n / 1000), told("ok")) for n in range(count))
    found = summarise(rows)[KEY]
    assert len(found.sample) == SAMPLE
    assert abs(sorted(found.sample)[SAMPLE // 2] - count / 2) < count * 0.06
    assert found.sample == summarise((took(n / 1000), told("ok")) for n in range(count))[KEY].sample


def test_targets_are_grouped_and_keep_the_order_in_which_they_were_measured() -> None:
    rows = [(at("e2"), None), (at("site", "a-vpn"), None), (at("e10"), None), (at("e2"), None)]
    assert [key[2] for key in summarise(rows)] == ["site", "e2", "e10"]


def table(*rows: tuple[Measurement, Judged | None]) -> str:
    out = io.StringIO()
    write_table(iter(rows), out)
    return out.getvalue()


def test_the_table_says_it_all_on_eighty_columns() -> None:
    wide = replace(
        took(123.4),
        target=Target(id="w" * 200, service="s" * 60, feature="f" * 60, url="u"),
    )
    text = table(
        (took(0.132), told("ok")),
        (took(9.0, 61, "connection_reset"), told("blocked", "tls.reset.sni")),
        *[(wide, told("inconclusive", "dns.injection.blockpage"))] * 5,
    )
    assert max(map(len, text.splitlines())) <= 80
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["2017-07-18", "04:00", "to", "2017-07-18", "05:01", "UTC"]
    place = lines.index(["messenger", "text"])
    assert lines[place + 1][:6] == ["e1", "2", "50.0", "%", "132", "ms"]
    assert lines[place + 1][6:] == ["blocked", "tls.reset.sni", "(1)"]


def test_what_failed_once_is_not_rounded_up_to_all() -> None:
    rows = [(took(0.1), told("ok"))] * 9999 + [(took(0.1), told("down"))]
    text = table(*rows)
    assert "99.9 %" in text
    assert "100.0 %" not in text
    assert "100 %" not in text


def test_hostile_names_neither_act_nor_vanish() -> None:
    text = table((at("\x1b[2J[red]\u202e"), told("down", "[bold]\x1b]0;")))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"\x1b[2J[red]" in text
    assert r"[bold]\x1b]0;" in text


def test_an_empty_stream_is_an_empty_table() -> None:
    assert "target" in table()
