"""probe.compare.importers: CenAlert's table, and our own report files."""

import pytest
from support.reported import claim, report_file

from probe.compare.importers.formats import FORMATS, read
from probe.compare.importers.rows import FormatError, Imported
from probe.compare.reports import Report

HEAD = (
    "country,country_code,affected_regions,start_date,end_date,cause,affected_services,link,source"
)


def cenalert(*lines: str) -> Imported:
    return read("cenalert", "\r\n".join([HEAD, *lines]).encode(), "CN.csv")


def test_an_event_becomes_a_report() -> None:
    line = 'China,CN,,2017-07-11,2017-07-20,unknown,"WhatsApp, Telegram",https://nyt.example/,STOP'
    (one,) = (Report.model_validate(one) for one in cenalert(line).reports)
    assert (one.country, one.services, one.kind) == ("CN", ("whatsapp", "telegram"), "blocked")
    assert (one.timezone, one.sources[0].publisher) == ("Asia/Shanghai", "STOP")
    (whole,) = cenalert("Iran,IR,Nationwide,9/21/2022,,protests,,,").reports
    assert (whole["kind"], whole["services"], "region" in whole) == ("outage", [], False)


@pytest.mark.parametrize(
    "line", ["Iran,IR,,2022-13-01,,,,,", "Iran,IR", "Nowhere,,,2022-01-01,,,,,"]
)
def test_a_wrong_line_is_rejected(line: str) -> None:
    found = cenalert(line, "Iran,IR,,2022-09-21,,,,,")
    assert (len(found.reports), [one.row for one in found.rejected]) == (1, [1])


def test_our_own_reports_come_as_they_are_and_a_wrong_one_alone_is_left_out() -> None:
    data = report_file(claim(), claim(id="b", onset_latest="2017-02-30"), claim(id="c")).encode()
    found = read("probe", data, "mine.yaml")
    assert [one["id"] for one in found.reports] == ["whatsapp-media", "c"]
    assert [(one.row, "no day of the calendar" in one.reason) for one in found.rejected] == [
        (2, True)
    ]
    for one in found.reports:
        Report.model_validate(one)


@pytest.mark.parametrize("data", [b"", b"reports: 7", b"a: [", b"- 1", b"\xff\xfe"])
def test_what_is_no_report_file_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(FormatError):
        read("probe", data, "mine.yaml")


def test_every_format_refuses_rubbish_without_any_other_error() -> None:
    rubbish = [b"", b"\0" * 50, b'country,start_date\n"', b"reports:\n- {}\n", b"[[]]", b"{}"]
    for form in FORMATS:
        for data in rubbish:
            try:
                found = read(form, data, "rubbish")
            except FormatError:
                continue
            assert found.reports == ()
