"""A day in Shanghai, from the network to the answer: pictures fail from nine until noon.

A messenger's media host resets for three hours, and later the vantage itself has no network for
one. The whole pipeline runs on a scripted network and a clock that jumps: scheduler, checks,
verdicts, files, CSV, and the comparison with what was reported.
"""

import asyncio
import csv
import errno
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest
from support.plans import planned, tools
from support.reported import claim, report_file
from support.servers import accepting, http, page, resetting
from support.virtual import DAY, VirtualClock, apscheduler_on, run_virtual

from probe.compare.collect import collect
from probe.compare.comparison import Comparison, compare
from probe.compare.reports import Report, parse
from probe.compare.series import ACCUSING
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, os_error
from probe.record import scan
from probe.record.durable import Syncer
from probe.record.join import judged
from probe.record.journal import Journal
from probe.run.service import Service
from probe.show.csv import COLUMNS, write_measurements

HOUR = timedelta(hours=1)
RESETS = (9, 12)  # hours of the day, the second one no longer
OFFLINE = (15, 16)
MEDIA = Endpoint("192.0.2.80", 80)
TEXT = {f"text{n}": Endpoint(f"192.0.2.{n}", 5222) for n in (1, 2, 3)}
ANCHORS = {"http://anchor-1.example/": "203.0.113.1", "http://anchor-2.example/": "203.0.113.2"}

CONFIG = {
    "anchors": {"international": list(ANCHORS), "domestic": []},
    "schedule": {"every": "15m"},
    "policies": {"pigeon": {"text": "quorum 2"}},
    "targets": [
        *(
            {
                "id": name,
                "service": "pigeon",
                "feature": "text",
                "url": f"tcp://{name}.pigeon.example:5222",
            }
            for name in TEXT
        ),
        {
            "id": "media",
            "service": "pigeon",
            "feature": "media",
            "url": "http://media.pigeon.example/photo",
        },
    ],
}


def pigeon():
    """The messenger and the anchors, all well."""
    net = FakeNetwork()
    for name, endpoint in TEXT.items():
        net.names[f"{name}.pigeon.example"] = (endpoint.ip,)
        net.tcp[endpoint] = accepting
    net.names["media.pigeon.example"] = (MEDIA.ip,)
    net.tcp[MEDIA] = http(page(b"a photo"))
    for url, ip in ANCHORS.items():
        net.names[url.split("/")[2]] = (ip,)
        net.tcp[Endpoint(ip, 80)] = http(page())
    return net


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The results folder that the day left behind."""
    root = tmp_path_factory.mktemp("day")
    net, clock, plan = pigeon(), VirtualClock(), planned(**CONFIG)
    story = (
        (RESETS[0], lambda: net.tcp.update({MEDIA: resetting})),
        # In the last of these hours the connection itself is reset, before any request.
        (RESETS[1] - 1, lambda: net.tcp.update({MEDIA: os_error(errno.ECONNRESET)})),
        (RESETS[1], lambda: net.tcp.update({MEDIA: http(page(b"a photo"))})),
        (OFFLINE[0], lambda: setattr(net, "down", True)),
        (OFFLINE[1], lambda: setattr(net, "down", False)),
    )

    async def day(journal):
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for hour, happens in story:
            loop.call_later(hour * 3600, happens)
        loop.call_later(24 * 3600, stop.set)
        await Service(plan, tools(net, clock=clock), journal).run(stop)

    syncer = Syncer(fsync=lambda _: None)
    with Journal(root, syncer) as journal, apscheduler_on(clock):
        run_virtual(day(journal))
    return root


def expected(hour, feature):
    if OFFLINE[0] <= hour < OFFLINE[1]:
        return "offline"
    return "unreachable" if feature == "media" and RESETS[0] <= hour < RESETS[1] else "ok"


def at(hour):
    return (DAY + hour * HOUR).isoformat()


def reported(**changes):
    window = {
        "onset_earliest": at(RESETS[0]),
        "onset_latest": at(RESETS[0] + 1),
        "end_earliest": at(RESETS[1] - 1),
        "end_latest": at(RESETS[1]),
    }
    given = claim(**{"services": ["pigeon"], "features": ["media"], **window, **changes})
    return parse(report_file(given), "reports.yaml")[0]


@pytest.mark.parametrize("feature", ["text", "media"])
def test_the_feature_verdicts_are_right_hour_by_hour(results, feature):
    verdicts = [v for v in scan.verdicts(results) if v.target is None and v.feature == feature]
    by_hour = {
        hour: [v.outcome for v in group]
        for hour, group in groupby(verdicts, key=lambda v: v.at.hour)
    }
    assert by_hour == {hour: [expected(hour, feature)] * 4 for hour in range(24)}
    assert not {v.outcome for v in scan.verdicts(results)} & ACCUSING


def test_a_failure_tells_where_it_was_and_rests_on_anchors(results):
    failed = [v for v in scan.verdicts(results) if v.target and v.outcome == "unreachable"]
    mechanisms = [v.mechanism for v in failed]
    assert mechanisms == ["http.reset"] * 8 + ["tcp.reset"] * 4
    roles = {m.id: (m.role, m.target.id) for m in scan.measurements(results)}
    for verdict in failed:
        named = [roles[id_] for id_ in verdict.evidence]
        trials = [target for role, target in named if role == "target"]
        assert set(trials) == {verdict.target}
        assert 1 <= verdict.trials.failed <= len(trials) <= verdict.trials.needed
        assert len(named) - len(trials) in {
            3,
            6,
        }  # rounds of three: one before, one after, or one for both


def test_the_csv_holds_every_cycle_once_with_its_verdict(results):
    report = scan.ScanReport()
    pairs = [pair for pair in judged(results, report=report) if pair[0].role == "target"]
    out = io.StringIO(newline="")
    assert write_measurements(pairs, out) == 4 * 96
    assert (report.bad, report.unfinished) == (0, 0)
    rows = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert len({row["cycle"] for row in rows}) == len(rows)
    assert Counter(row["target"] for row in rows) == dict.fromkeys([*TEXT, "media"], 96)
    for row in rows:
        hour = datetime.fromisoformat(row["started"]).astimezone(UTC).hour
        assert row["outcome"] == expected(hour, row["feature"])
        assert bool(row["failure"]) == (row["outcome"] != "ok")
        assert (row["vantage"], row["country"], row["asn"]) == ("sh-1", "CN", "4134")
    assert {r["failure"] for r in rows if r["outcome"] == "unreachable"} == {"connection_reset"}


def held(results, *reports: Report) -> Comparison:
    return compare(reports, collect(scan.verdicts(results)), until=DAY + 24 * HOUR)


def test_the_comparison_counts_right_and_concludes_nothing(results):
    (told,) = held(results, reported()).answers
    assert told.answer == "inconclusive"
    shares = [(part.failed, part.cycles) for part in (told.before, told.during, told.after)]
    # Of the twelve hours after it, four cycles saw no network and so concluded nothing.
    assert shares == [(0, 36), (12, 12), (0, 48 - 4)]
    assert (told.coverage, told.effect) == (1.0, 1.0)
    assert told.vantages == ("sh-1",)
    assert told.mechanisms == {"http.reset": 8, "tcp.reset": 4}
    assert "without a control" in told.sentence
    assert held(results, reported()).unreported == ()
    (found,) = held(results).unreported
    assert (found.onset_latest.hour, found.end_latest.hour) == RESETS
    assert (found.cycles, found.failed) == (12, 12)


def test_no_report_is_answered_with_more_than_the_data_can_bear(results):
    offline = {
        "onset_earliest": at(OFFLINE[0]),
        "onset_latest": at(OFFLINE[0]),
        "end_earliest": at(OFFLINE[1]),
        "end_latest": at(OFFLINE[1]),
    }
    told = {
        name: held(results, report).answers[0]
        for name, report in {
            "text worked": reported(features=["text"]),
            "a denial": reported(kind="denial", expects="ok"),
            "while offline": reported(**offline),
            "elsewhere": reported(country="RU"),
        }.items()
    }
    assert {name: (one.answer, one.coverage) for name, one in told.items()} == {
        "text worked": ("inconclusive", 1.0),
        "a denial": ("inconclusive", 1.0),
        "while offline": ("no_coverage", 0.0),
        "elsewhere": ("no_coverage", 0.0),
    }
