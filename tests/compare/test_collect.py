"""probe.compare.collect: verdicts in any order, from one stream or several, become series."""

import random
from dataclasses import replace

from support.reported import CYCLE, LAB, START, cycles

from probe.compare.collect import Collected, collect
from probe.compare.series import Series
from probe.core.model import Vantage


def only(series: tuple[Series, ...]) -> Series:
    (one,) = series
    return one


def test_verdicts_in_any_order_give_the_same_series() -> None:
    ordered = list(cycles("..xx?b.o.", mechanism="tls.reset"))
    shuffled = ordered[:]
    random.Random(1).shuffle(shuffled)
    assert shuffled != ordered
    assert list(only(collect(shuffled)).concluded()) == list(only(collect(ordered)).concluded())


def test_a_series_is_one_vantage_one_service_and_one_feature() -> None:
    moved = replace(LAB, asn=4837)
    verdicts = [
        *cycles("..", feature="media"),
        *cycles("x", feature="text"),
        *cycles("x", service="signal"),
        *cycles("x", vantage=moved),
    ]
    keys = {(s.vantage, s.service, s.feature) for s in collect(verdicts)}
    assert keys == {
        (LAB, "whatsapp", "media"),
        (LAB, "whatsapp", "text"),
        (LAB, "signal", "media"),
        (moved, "whatsapp", "media"),
    }


def test_a_features_own_verdicts_replace_those_of_its_targets() -> None:
    verdicts = [
        *cycles("xx", target="mmg"),
        *cycles("..", target="pps"),
        *cycles("."),
        *cycles("xxx", feature="text", target="e1"),
    ]
    media, text = sorted(collect(verdicts), key=lambda one: one.feature)
    assert [seen.failing for seen in media.concluded()] == [False]
    assert [seen.failing for seen in text.concluded()] == [True] * 3


def test_a_vantage_without_feature_verdicts_keeps_those_of_its_targets() -> None:
    # In one stream, in several, and whichever comes first.
    other = Vantage(id="lab-2", country="CN")
    own = [*cycles("...")]
    targets = [*cycles("xx", target="t1"), *cycles("x..x", target="t1", vantage=other)]
    for stream in ([*own, *targets], [*targets, *own], [*targets[:1], *own, *targets[1:]]):
        found = {one.vantage.id: len(one.times) for one in collect(stream)}
        assert sorted(found.values()) == [3, 4]
        assert found["lab-2"] == 4
    first, second = Collected(), Collected()
    first.add(targets)
    second.add(own)
    second.merge(first)
    assert {one.vantage.id: len(one.times) for one in second.series()} == found


def test_what_was_concluded_at_one_moment_is_in_one_order_however_it_came() -> None:
    moment = [
        next(iter(cycles(letter, mechanism=mechanism)))
        for letter, mechanism in [
            (".", None),
            ("b", "tls.reset"),
            ("b", "dns.injection"),
            ("x", None),
        ]
    ]
    wanted = None
    for seed in range(20):
        stream = [*moment, *cycles(".x.", START + CYCLE)]
        random.Random(seed).shuffle(stream)
        one = only(collect(stream))
        found = one.outcomes, [one.names[code] for code in one.mechanisms], list(one.times)
        wanted = wanted or found
        assert found == wanted
    assert wanted[1][:4] == [None, "dns.injection", "tls.reset", None]


def test_verdicts_that_say_the_same_are_taken_together() -> None:
    stream = [*cycles("..xx.x?"), *cycles("bb", target="t1", feature="text")]
    collected = Collected()
    for one in stream:
        collected.take(
            one.vantage,
            one.service,
            one.feature,
            one.outcome,
            one.mechanism,
            [one.at.timestamp()],
            own=one.target is None,
        )
    for found, wanted in zip(collected.series(), collect(stream), strict=True):
        assert list(found.concluded()) == list(wanted.concluded())
    collected.take(LAB, "whatsapp", "media", "ok", None, [], own=True)
    assert sum(len(one.times) for one in collected.series()) == len(stream)


def test_merged_in_order_or_not_the_series_are_the_same() -> None:
    first, second = list(cycles("..x.b")), list(cycles("xb..", START + 5 * CYCLE))
    wanted = list(only(collect([*first, *second])).concluded())
    for parts in ([first, second], [second, first]):
        whole = Collected()
        for part in parts:
            one = Collected()
            one.add(part)
            one.settle()
            whole.merge(one)
        assert list(only(whole.series()).concluded()) == wanted
