"""probe.compare.importers.stop: Access Now's STOP table, under its newer and its older headers."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from probe.compare.importers.formats import read
from probe.compare.importers.rows import FormatError, Imported
from probe.compare.reports import Report

ROW = {
    "start_date_type": "Exact",
    "start_date": "7/11/2017",
    "country": "China",
    "geo_scope": "It affected the whole country: national",
    "area_name": "",
    "shutdown_type": "Shutdown",
    "affected_network": "Mobile, broadband",
    "shutdown_extent": "Service-based",
    "info_source": "The New York Times",
    "info_source_link": "https://www.nytimes.com/2017/07/18/technology/whatsapp.html",
    "shutdown_status": "Ended",
    "end_date": "7/20/2017",
    "facebook_affected": "No",
    "whatsapp_affected": "Yes",
    "other_affected": "",
    "sms_affected": "No",
    "an_link": "",
}
OLD = {
    "start_date": "Start Date (M/D/YYYY)",
    "end_date": "End Date",
    "country": "Country",
    "area_name": "Area name (state, town)",
    "geo_scope": "Geographic scope",
    "shutdown_type": "Type of shutdown",
    "affected_network": "Network affected",
    "shutdown_extent": "Full or service-based",
    "info_source_link": "Link",
    "whatsapp_affected": "WhatsApp affected",
}


def table(*rows: dict[str, Any]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def taken(**changes: Any) -> Imported:
    return read("stop", table({**ROW, **changes}), "stop.csv")


def only(**changes: Any) -> Report:
    found = taken(**changes)
    assert found.rejected == ()
    (one,) = found.reports
    return Report.model_validate(one)


def test_the_row_that_dates_july_2017_a_week_early_becomes_a_report_and_is_kept() -> None:
    one = only()
    assert (one.country, one.services, one.kind) == ("CN", ("whatsapp",), "blocked")
    assert one.onset_earliest == datetime(2017, 7, 10, 16, tzinfo=UTC)
    assert one.onset_latest == datetime(2017, 7, 11, 16, tzinfo=UTC)
    assert one.end_latest == datetime(2017, 7, 20, 16, tzinfo=UTC)
    assert one.networks == ()
    assert one.region is None
    assert one.sources[0].publisher == "The New York Times"
    assert one.row is not None
    assert json.loads(one.row)["start_date"] == "7/11/2017"


def test_the_older_headers_say_the_same() -> None:
    old = {name: ROW[key] for key, name in OLD.items()}
    (one,) = read("stop", table(old), "stop.csv").reports
    report, new = Report.model_validate(one), only()
    assert (report.onset_earliest, report.end_latest) == (new.onset_earliest, new.end_latest)
    assert (report.country, report.services) == ("CN", ("whatsapp",))


def test_columns_may_be_more_in_another_order_and_behind_a_mark() -> None:
    turned = dict(reversed([*ROW.items(), ("further", "1")]))
    data = b"\xef\xbb\xbf" + table(turned)
    assert len(read("stop", data, "stop.csv").reports) == 1


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"shutdown_extent": "Full network"}, "kind", "outage"),
        ({"shutdown_extent": "Full network"}, "services", ()),
        ({"shutdown_type": "Throttling"}, "kind", "degraded"),
        ({"affected_network": "Mobile"}, "networks", ("mobile",)),
        ({"affected_network": "Broadband"}, "networks", ("residential",)),
        ({"other_affected": "Signal; Tik Tok and X"}, "services",
         ("whatsapp", "signal", "tiktok", "twitter")),
        ({"geo_scope": "Regional", "area_name": "Xinjiang"}, "region", "Xinjiang"),
        ({"shutdown_status": "Ongoing", "end_date": ""}, "ongoing", True),
        ({"end_date": ""}, "ongoing", False),
        ({"country": "Democratic Republic of the Congo"}, "country", "CD"),
        ({"country": "Türkiye"}, "country", "TR"),
    ],
)  # fmt: skip
def test_each_column_finds_its_field(changes: dict[str, str], field: str, value: object) -> None:
    assert getattr(only(**changes), field) == value


def test_a_date_that_is_not_exact_is_wider() -> None:
    one = only(start_date_type="Approximate")
    assert (one.onset_latest - one.onset_earliest).days == 7


def test_a_day_in_a_country_of_many_zones_is_a_day_in_all_of_them() -> None:
    one = only(country="Russia")
    assert (one.onset_latest - one.onset_earliest).total_seconds() / 3600 == 24 + 10


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"start_date": "18/7/2017"}, "'18/7/2017' is no day of the calendar"),
        ({"start_date": "2/30/2017"}, "no day of the calendar"),
        ({"start_date": "7/11/17"}, "no date of the form month/day/year"),
        ({"start_date": ""}, "no date of the form"),
        ({"start_date": "7/11/1917"}, "the year 1917 lies outside"),
        ({"end_date": "7/1/2017"}, "it ends on 2017-07-01, before it begins"),
        ({"country": "Atlantis"}, "'Atlantis' is no country that we know"),
        ({"country": ""}, "no country is named"),
        ({"whatsapp_affected": "No"}, "service-based, but names no service"),
    ],
)
def test_a_row_that_is_not_sound_is_rejected_with_its_reason(
    changes: dict[str, str], reason: str
) -> None:
    found = read("stop", table(ROW, {**ROW, **changes}), "stop.csv")
    assert len(found.reports) == 1
    (one,) = found.rejected
    assert one.row == 2
    assert reason in one.reason


def test_the_same_row_twice_is_one_report_and_its_id_does_not_change() -> None:
    found = read("stop", table(ROW, ROW), "stop.csv")
    assert [one["id"] for one in found.reports] == [taken().reports[0]["id"]]
    assert found.rejected[0].reason == "the same report stands in an earlier row"


@pytest.mark.parametrize(
    "data",
    [b"", b"[1,2\n", b"a,b\n1,2\n", b"<html></html>\nx\n", b'"' + b"x" * 200_000],
)
def test_another_table_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(FormatError):
        read("stop", data, "stop.csv")


def test_a_table_without_rows_holds_nothing() -> None:
    assert read("stop", b"Start Date,country\n", "stop.csv") == Imported((), ())
