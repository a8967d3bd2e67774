"""probe.compare.reports: report files are read strictly, and mistakes are told by line and key."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.reported import claim, report_file, reported

from probe.compare.reports import parse, parse_all
from probe.core.shipped import shipped
from probe.core.strictyaml import ConfigError


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as told:
        parse(text, "a.yaml")
    assert len(told.value.lines) == 1, told.value.lines
    return told.value.lines[0]


def test_a_report_becomes_instants_in_utc() -> None:
    report = reported(asns=[4134], networks=["mobile"])
    assert report.onset_earliest == datetime(2017, 7, 17, 16, tzinfo=UTC)
    assert report.onset_latest == datetime(2017, 7, 18, 16, tzinfo=UTC)
    assert report.end_earliest == datetime(2017, 7, 18, 16, tzinfo=UTC)
    assert report.end_latest == datetime(2017, 7, 19, 16, tzinfo=UTC)
    assert (report.asns, report.networks, report.ongoing) == ((4134,), ("mobile",), False)
    assert str(report.sources[0].date) == "2017-07-18"


def test_one_day_may_hold_onset_and_end() -> None:
    report = reported(end_earliest="2017-07-18", end_latest="2017-07-18")
    assert report.window(datetime.now(UTC)) == (report.onset_earliest, report.end_latest)


def test_an_open_window_reaches_until_now_but_never_before_its_onset() -> None:
    ongoing = reported(end_earliest=None, end_latest=None, ongoing=True)
    unknown = reported(end_earliest=None, end_latest=None)
    now, earlier = datetime(2018, 1, 1, tzinfo=UTC), datetime(2016, 1, 1, tzinfo=UTC)
    assert ongoing.window(now) == unknown.window(now) == (ongoing.onset_earliest, now)
    assert ongoing.window(earlier) == (ongoing.onset_earliest, ongoing.onset_earliest)


@pytest.mark.parametrize(
    ("changes", "key", "told"),
    [
        ({"onset_latest": "2017-07-17"}, "onset_latest", "lies before onset_earliest"),
        ({"onset_latest": "2017-07-17T15:59:59Z"}, "onset_latest", "lies before onset_earliest"),
        ({"onset_latest": "2017-07-20"}, "end_latest", "lies before onset_latest"),
        ({"end_earliest": "2017-07-17"}, "end_earliest", "lies before onset_earliest"),
        (
            {"end_earliest": "2017-07-19", "end_latest": "2017-07-18"},
            "end_latest",
            "lies before end_earliest",
        ),
        ({"end_latest": None}, "end_latest", "is missing beside end_earliest"),
        ({"end_earliest": None}, "end_latest", "needs end_earliest beside it"),
        ({"ongoing": True}, "ongoing", "excludes an end"),
        ({"ongoing": "yes"}, "ongoing", "valid boolean"),
        ({"country": "cn"}, "country", "two capital letters"),
        ({"country": "CHN"}, "country", "two capital letters"),
        ({"country": "ZZ"}, "country", "unknown place"),
        ({"timezone": "Asia/Shangai"}, "timezone", "did you mean 'Asia/Shanghai'?"),
        ({"timezone": "../../etc/passwd"}, "timezone", "no IANA time zone"),
        ({"timezone": "America"}, "timezone", "no IANA time zone"),
        ({"kind": "bloked"}, "kind", "found 'bloked'"),
        ({"expects": "fail"}, "expects", "found 'fail'"),
        ({"status": "true"}, "status", "found 'true'"),
        ({"networks": ["wifi"]}, "networks[0]", "found 'wifi'"),
        ({"asns": ["AS4134"]}, "asns[0]", "found 'AS4134'"),
        ({"asns": [0]}, "asns[0]", "greater than or equal to 1"),
        ({"services": ["whats app"]}, "services[0]", "is one word"),
        ({"id": "Whats App"}, "id", "small letters"),
        ({"title": ""}, "title", "at least 1 character"),
        ({"sources": []}, "sources", "at least one source"),
        ({"sources": None}, "sources", "is missing"),
        ({"title": None}, "title", "is missing"),
        ({"expect": "fails"}, "expect", "unknown key; did you mean 'expects'?"),
    ],
)
def test_a_mistake_is_one_line_with_file_line_and_key(
    changes: dict[str, Any], key: str, told: str
) -> None:
    text = report_file(claim(**changes))
    line = complaint(text)
    assert told in line
    number, _, rest = line.removeprefix("a.yaml:").partition(": ")
    assert rest.startswith(f"reports[0].{key}: ")
    word = key.partition("[")[0]
    if f"{word}:" in text and "[" not in key:
        assert f"{word}:" in text.splitlines()[int(number) - 1]


@pytest.mark.parametrize(
    ("changes", "key", "told"),
    [
        ({"date": "July 2017"}, "date", "write a day as in 2017-07-18"),
        ({"date": "2017-07-18T00:00:00Z"}, "date", "write a day as in 2017-07-18"),
        ({"publisher": None}, "publisher", "is missing"),
        ({"says": ""}, "says", "at least 1 character"),
        ({"url": "ftp://news.example/"}, "url", "begins with https://"),
        ({"url": "news.example/today"}, "url", "begins with https://"),
        ({"url": "https://"}, "url", "begins with https://"),
        ({"url": "https://[::1/"}, "url", "Invalid IPv6 URL"),
        ({"url": "https://news.example/a b"}, "url", "begins with https://"),
    ],
)
def test_a_source_needs_publisher_date_and_words_and_a_web_address_if_any(
    changes: dict[str, Any], key: str, told: str
) -> None:
    source = {"publisher": "P", "date": "2017-07-18", "says": "s", **changes}
    kept = {name: value for name, value in source.items() if value is not None}
    line = complaint(report_file(claim(sources=[kept])))
    assert f"reports[0].sources[0].{key}: " in line
    assert told in line


def test_every_mistake_of_a_file_is_told() -> None:
    with pytest.raises(ConfigError) as told:
        parse(report_file(claim(country="cn", kind="x", titel="y")), "a.yaml")
    assert [line.split(": ")[1] for line in told.value.lines] == [
        "reports[0].country",
        "reports[0].kind",
        "reports[0].titel",
    ]


def test_an_id_stands_once_in_all_files() -> None:
    first, second = report_file(claim(), claim(id="other")), report_file(claim(id="other"))
    assert "reports[1].id: 'whatsapp-media' stands already in this file" in complaint(
        report_file(claim(), claim())
    )
    with pytest.raises(ConfigError) as told:
        parse_all([("a.yaml", first), ("b.yaml", second)])
    assert str(told.value) == "b.yaml:2: reports[0].id: 'other' stands already in a.yaml"


def test_the_mistakes_of_all_files_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        parse_all([("a.yaml", ""), ("b.yaml", "reports:\n\t- x"), ("c.yaml", "[]")])
    assert [line.split(":")[0] for line in told.value.lines] == ["a.yaml", "b.yaml", "c.yaml"]


def test_the_shipped_reports_tell_the_story_of_july_2017() -> None:
    paths = sorted(shipped("reports").glob("*.yaml"))
    reports = {report.id: report for report in parse_all((p.name, p.read_text()) for p in paths)}
    media = reports["cn-2017-07-whatsapp-media"]
    assert (media.services, media.features, media.expects) == (("whatsapp",), ("media",), "fails")
    assert media.onset_earliest < datetime(2017, 7, 18, 4, tzinfo=UTC) < media.onset_latest
    assert {report.kind for report in reports.values()} == {
        "blocked",
        "provider_closed",
        "announcement",
        "denial",
        "statement",
    }
    assert all(report.country == "CN" for report in reports.values())
    assert all(source.says.endswith(".") for r in reports.values() for source in r.sources)


def test_the_example_in_the_documentation_is_a_report_file() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reports.md").read_text("utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (report,) = parse(example, "docs/reports.md")
    for key in type(report).model_fields:
        assert f"`{key}`" in page or f"{key}: " in example
