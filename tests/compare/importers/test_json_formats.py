"""probe.compare.importers: OONI's findings, Radar's annotations, IODA's events."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from probe.compare.importers.formats import read
from probe.compare.importers.rows import FormatError, Imported
from probe.compare.reports import Report

FINDING = {
    "id": "128720710601",
    "title": "Iran blocked WhatsApp",
    "short_description": "After protests began.",
    "start_time": "2022-09-21T00:00:00.000000Z",
    "end_time": None,
    "create_time": "2023-09-22T00:00:00.000000Z",
    "update_time": "2023-10-22T00:00:00.000000Z",
    "reported_by": "OONI",
    "published": True,
    "event_type": "incident",
    "ASNs": [44244],
    "CCs": ["IR"],
    "themes": ["im"],
    "tags": ["whatsapp"],
    "test_names": ["whatsapp", "web_connectivity"],
    "domains": ["www.whatsapp.com"],
    "links": ["https://ooni.org/post/2022-iran/"],
    "mine": False,
}
ANNOTATION = {
    "id": "550",
    "asns": [8048],
    "asnsDetails": [{"asn": "8048", "name": "CANTV", "locations": {"code": "VE", "name": "V"}}],
    "dataSource": "ALL",
    "eventType": "OUTAGE",
    "locations": ["VE"],
    "outage": {"outageCause": "POWER_OUTAGE", "outageType": "REGIONAL"},
    "startDate": "2024-08-30T09:00:00Z",
    "endDate": "2024-08-31T04:00:00Z",
    "linkedUrl": "https://x.com/CloudflareRadar/status/1",
    "scope": "Several states",
}
CODF = {
    "location": "country/IR",
    "start": 1663718400,
    "duration": 7200,
    "uncertainty": None,
    "method": "median",
    "datasource": "bgp",
    "status": 0,
    "score": 812.5,
    "location_name": "Iran",
    "overlaps_window": False,
}
IODA = {
    "entity": {"code": "IR", "name": "Iran", "type": "country"},
    "from": 1663718400,
    "until": 1663725600,
    "score": 812.5,
    "datasource": "bgp",
    "method": "median",
}
DOCUMENTS: dict[str, tuple[dict[str, Any], Any]] = {
    "ooni": (FINDING, lambda rows: {"incidents": rows}),
    "radar": (ANNOTATION, lambda rows: {"success": True, "result": {"annotations": rows}}),
    "ioda": (IODA, lambda rows: {"type": "outages", "data": rows}),
}


def taken(form: str, *rows: Any) -> Imported:
    return read(form, json.dumps(DOCUMENTS[form][1](rows)).encode(), "document")


def only(form: str, row: dict[str, Any]) -> Report:
    found = taken(form, row)
    assert found.rejected == ()
    (one,) = found.reports
    return Report.model_validate(one)


def test_a_finding_becomes_a_report() -> None:
    one = only("ooni", FINDING)
    assert (one.id, one.country, one.asns) == ("ooni-128720710601-ir", "IR", (44244,))
    assert one.services == ("whatsapp", "www.whatsapp.com")
    assert (one.kind, one.ongoing) == ("blocked", True)
    assert one.onset_earliest == datetime(2022, 9, 21, tzinfo=UTC)
    assert (str(one.sources[0].date), one.sources[0].url) == (
        "2023-10-22", "https://ooni.org/post/2022-iran/",
    )  # fmt: skip
    assert one.row is not None
    assert json.loads(one.row) == FINDING


def test_a_finding_of_two_countries_is_two_reports() -> None:
    found = taken("ooni", {**FINDING, "CCs": ["IR", "RU", "IR"]})
    assert [one["country"] for one in found.reports] == ["IR", "RU"]


def test_an_annotation_becomes_a_report_of_an_outage_in_a_part_of_the_country() -> None:
    one = only("radar", ANNOTATION)
    assert (one.country, one.asns, one.kind) == ("VE", (8048,), "outage")
    assert one.region == "Several states"
    assert one.end_latest == datetime(2024, 8, 31, 4, tzinfo=UTC)
    assert "POWER_OUTAGE" in one.title
    open_ended = {key: value for key, value in ANNOTATION.items() if key != "endDate"}
    assert only("radar", open_ended).ongoing


def test_both_shapes_of_an_event_say_the_same() -> None:
    one, two = only("ioda", CODF), only("ioda", IODA)
    for report in (one, two):
        assert (report.country, report.kind) == ("IR", "outage")
        assert report.onset_earliest == datetime(2022, 9, 21, tzinfo=UTC)
        assert report.end_latest == datetime(2022, 9, 21, 2, tzinfo=UTC)
    assert one.id == two.id


def test_a_list_of_events_needs_no_envelope_and_alerts_are_no_events() -> None:
    assert len(read("ioda", json.dumps([CODF, IODA]).encode(), "x").reports) == 1
    alert = {"datasource": "bgp", "entity": {}, "time": 1, "level": "critical", "condition": "<"}
    with pytest.raises(FormatError, match="alerts"):
        taken("ioda", alert)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("ooni", {"start_time": "yesterday"}, "is no time"),
    ("ooni", {"start_time": None}, "is no time"),
    ("ooni", {"end_time": "2022-09-01T00:00:00Z"}, "ends before it begins"),
    ("ooni", {"CCs": []}, "no country is named"),
    ("ooni", {"CCs": ["XX"]}, "no country that we know"),
    ("ooni", {"ASNs": [-1]}, "asns"),
    ("ooni", {"published": False}, "not published"),
    ("ooni", {"id": None}, "no id"),
    ("radar", {"startDate": "2024-08-30"}, "names no offset"),
    ("radar", {"startDate": "2024-08-30T09:00:00"}, "names no offset"),
    ("radar", {"startDate": 7}, "a time is missing"),
    ("radar", {"endDate": "2024-08-29T09:00:00Z"}, "ends before it begins"),
    ("radar", {"locations": None}, "no country is named"),
    ("ioda", {"from": "1663718400"}, "seconds since 1970 is missing"),
    ("ioda", {"from": 1e300}, "beyond the calendar"),
    ("ioda", {"until": None}, "seconds since 1970 is missing"),
    ("ioda", {"until": 1663718000}, "ends before it begins"),
    ("ioda", {"entity": {"type": "asn", "code": "4134"}}, "about 'asn', which tells no country"),
    ("ioda", {"entity": None}, "tells no country"),
]


@pytest.mark.parametrize(("form", "changes", "reason"), WRONG)
def test_what_is_not_sound_is_rejected_and_the_rest_is_imported(
    form: str, changes: dict[str, Any], reason: str
) -> None:
    row = DOCUMENTS[form][0]
    found = taken(form, {**row, "id": row.get("id", "x"), **changes}, row)
    assert len(found.reports) == 1
    (one,) = found.rejected
    assert one.row == 1
    assert reason in one.reason


@pytest.mark.parametrize("form", DOCUMENTS)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!doctype html><title>Sign in</title>",
        b'{"incidents": [',
        b"\x80\x81",
        b"null",
        b'{"incidents": {}, "result": [], "data": 7}',
        b"[" * 100_000,
        b'{"data": NaN}',
    ],
)
def test_what_is_another_document_is_refused_as_a_whole(form: str, data: bytes) -> None:
    with pytest.raises(FormatError):
        read(form, data, "document")


@pytest.mark.parametrize("form", DOCUMENTS)
@pytest.mark.parametrize("row", [None, 7, "x", [], {}, {"id": {}}, {"from": True}])
def test_a_row_that_is_no_record_is_rejected(form: str, row: Any) -> None:
    assert len(taken(form, row).rejected) == 1
