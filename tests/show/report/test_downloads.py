"""The data inside the page."""

import base64
import csv
import io
import json
import re
from html import unescape

import pytest
from support.pictured import HOSTILE, compared, named, verdicts

from probe.compare.comparison import Comparison
from probe.show.figures.rows import rows
from probe.show.figures.scale import scale
from probe.show.report import downloads
from probe.show.report.downloads import COLUMNS


def shown(comparison: Comparison) -> str:
    axis = scale(comparison.series)
    assert axis is not None
    return downloads.downloads(comparison, rows(comparison, axis), axis)


def embedded(comparison: Comparison) -> dict[str, bytes]:
    """The files as a browser would save them."""
    html = shown(comparison)
    links = re.findall(r'href="data:([^"]*)" download="([^"]*)"', html)
    return {
        unescape(name): base64.b64decode(unescape(data).partition("base64,")[2])
        for data, name in links
    }


def test_answers_and_series_are_there_as_csv_and_json() -> None:
    found = embedded(compared())
    assert list(found) == ["answers.csv", "answers.json", "series.csv", "series.json"]
    answers = list(csv.DictReader(io.StringIO(found["answers.csv"].decode())))
    assert [row["report"] for row in answers] == ["whatsapp-media", "text", "else"]
    assert [one["report"] for one in json.loads(found["answers.json"])["answers"]] == [
        "whatsapp-media",
        "text",
        "else",
    ]


def test_a_series_has_a_row_per_hour_that_was_measured() -> None:
    found = embedded(compared())
    rows = list(csv.DictReader(io.StringIO(found["series.csv"].decode(), newline="")))
    assert len(rows) == 60 + 50 + 60
    assert rows[24] == {
        "start": "2017-07-17T16:00:00.000000Z",
        "hours": "1",
        "country": "CN",
        "asn": "4134",
        "network": "residential",
        "service": "whatsapp",
        "feature": "media",
        "hours_covered": "1",
        "cycles": "1",
        "failed": "1",
        "share": "1.000000",
        "low": "0.206549",
        "high": "1.000000",
        "without_conclusion": "0",
        "outcomes": "blocked=1",
    }
    offline = next(row for row in rows if row["outcomes"] == "offline=1")
    assert (offline["cycles"], offline["share"], offline["low"]) == ("0", "", "")


def test_both_forms_of_a_series_say_the_same() -> None:
    found = embedded(compared())
    document = json.loads(found["series.json"])
    rows = list(csv.reader(io.StringIO(found["series.csv"].decode(), newline="")))
    assert tuple(document["columns"]) == COLUMNS == tuple(rows[0])
    assert [row[9] for row in document["rows"]] == [int(row[9]) for row in rows[1:]]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_is_a_formula_and_no_name_breaks_a_file(text: str) -> None:
    found = embedded(compared([*verdicts(), *named(text)]))
    for name in ("answers.csv", "series.csv"):
        for row in csv.reader(io.StringIO(found[name].decode(), newline="")):
            assert not [cell for cell in row if cell[:1] in set("=+@\t\r")]
    json.loads(found["series.json"])


def test_what_would_be_too_large_is_summed_up_or_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    comparison = compared()
    monkeypatch.setattr(downloads, "LIMIT", 3000)
    html = shown(comparison)
    assert "series.csv</a>: all series, in steps of 8 hours" in html
    monkeypatch.setattr(downloads, "LIMIT", 200)
    html = shown(comparison)
    assert "series.csv: left out, because it would be too large for a page" in html
    assert embedded(comparison) == {}
