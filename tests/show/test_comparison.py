"""probe.show.comparison: a table for a person, and three forms for programs."""

import csv
import io
import json
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from rich.cells import cell_len
from support.reported import (
    CYCLE,
    START,
    answered,
    claim,
    compared,
    cycles,
    report_file,
    reported,
)

from probe.compare.answer import Answer
from probe.compare.reports import Report, parse
from probe.core.model import Vantage, Verdict
from probe.show import comparison

DAY = timedelta(days=1)
NOW = START + 100 * DAY
HOSTILE = "\x1b[31m[bold red]=cmd()[/] :smile:\x07\u202etxt\n\rnext\x9b"


class Terminal(io.StringIO):
    """Where colours are shown."""

    def isatty(self) -> bool:
        return True


def held(report: Report, verdicts: Iterable[Verdict] = ()) -> Answer:
    return answered(verdicts, report, until=NOW)


def table(
    *reports: Report, verdicts: Iterable[Verdict] = (), out: io.StringIO | None = None
) -> str:
    out = out or io.StringIO()
    found = compared(verdicts, *reports, until=NOW)
    comparison.write_table(found.reports, found.answers, found.unreported, out)
    return out.getvalue()


def seen() -> list[Verdict]:
    return [
        *cycles("." * 40, START - DAY),
        *cycles("x" * 12 + "." * 8),
        *cycles("x" + "." * 19, START + 2 * DAY),
        *cycles("x" * 7 + "." * 20, START + 10 * DAY),
    ]


def test_the_table_says_title_answer_coverage_shares_and_sentence() -> None:
    said = table(reported(title="Pictures fail"), verdicts=seen())
    lines = [line.rstrip() for line in said.splitlines()]
    assert "Pictures fail" in lines
    assert re.search(r"inconclusive +8 % +0 % → +60 % → +5 %$", said, re.MULTILINE)
    joined = " ".join(said.split())
    assert (
        "Seen from lab-1, whatsapp media failed in 12 of 20 cycles in the reported window" in joined
    )
    assert "contradicts nothing." in joined


def test_the_table_lists_what_nobody_reported() -> None:
    said = table(reported(), verdicts=seen())
    rest = said[said.index("Unreported") :]
    assert "2017-07-27 16:00" in rest
    assert "2017-07-27 17:10" in rest
    assert "7 of 7" in rest
    assert "tls.reset" in rest
    assert "no end seen" in table(verdicts=cycles("." * 50 + "x" * 9))
    assert "no disruption was found" in table(reported(), verdicts=cycles("x" * 9))


def test_the_table_lists_the_longest_streaks_and_counts_the_rest() -> None:
    turn = timedelta(hours=25)  # not every day at the same hour, which would be ordinary
    verdicts = [
        v for n in range(1, 26) for v in cycles("x" * (9 + n) + "." * (141 - n), START + n * turn)
    ]
    said = table(verdicts=verdicts)
    assert "and 5 more" in said
    assert "2017-07-22 21:00" not in said
    assert said.index("2017-07-23 22:00") < said.index("2017-08-12 17:00")


def test_every_line_fits_into_80_columns_and_carries_no_colour_off_a_terminal() -> None:
    vantage = Vantage(id="v" * 70, country="CN")
    title = "A title that is long and 很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长"
    said = table(reported(title=title), verdicts=[*seen(), *cycles("xxxx", NOW, vantage=vantage)])
    assert max(cell_len(line) for line in said.splitlines()) <= 80
    assert "\x1b" not in said


def test_colour_is_shown_on_a_terminal_and_never_carries_the_meaning_alone(
    monkeypatch: Any,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    said = table(reported(), verdicts=seen(), out=Terminal())
    assert re.search("\x1b\\[33minconclusive *\x1b\\[0m", said)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[33m" not in table(reported(), verdicts=seen(), out=Terminal())


def test_hostile_text_is_shown_harmless_in_the_table() -> None:
    vantage = Vantage(id=HOSTILE, country="CN")
    verdicts = [
        *cycles("xxx", vantage=vantage, mechanism=HOSTILE),
        *cycles("x" * 9, START + 30 * DAY, vantage=vantage, mechanism=HOSTILE, feature=HOSTILE),
    ]
    (report,) = parse(report_file(claim(title=HOSTILE)), "hostile.yaml")
    assert report.title == HOSTILE
    said = table(report, verdicts=verdicts)
    assert not set(said) & set("\x1b\x07\r\x9b\u202e")
    assert "\\x1b[31m[bold red]=cmd()[/] :smile:\\x07\\u202etxt\\n\\rnext\\x9b" in said


def test_shares_are_never_rounded_to_nothing_or_all() -> None:
    few = table(reported(), verdicts=cycles("." * 250 + "x", every=CYCLE))
    most = table(reported(), verdicts=cycles("x" * 250 + ".", every=CYCLE))
    assert re.search(r"- → +<1 % → +-", few)
    assert re.search(r"- → +>99 % → +-", most)


def test_json_holds_every_key_of_the_contract_and_times_as_files_write_them() -> None:
    out, report = io.StringIO(), reported()
    found = compared(seen(), report, until=NOW)
    comparison.write_json(found.answers, found.unreported, out)
    document = json.loads(out.getvalue())
    assert list(document) == ["answers", "unreported"]
    (told,) = document["answers"]
    assert " ".join(told) == (
        "report answer coverage vantages before during after effect p q onset_earliest "
        "onset_latest "
        "end_earliest end_latest lag mechanisms networks sentence"
    )
    assert told["before"] == {**told["before"], "cycles": 40, "failed": 0, "share": 0.0, "low": 0.0}
    assert told["vantages"] == ["lab-1"]
    assert told["mechanisms"] == {"tls.reset": 12}
    assert document["unreported"] == [
        {
            "network": "CN AS4134 residential",
            "vantages": ["lab-1"],
            "service": "whatsapp",
            "feature": "media",
            "onset_earliest": "2017-07-19T19:10:00.000000Z",
            "onset_latest": "2017-07-27T16:00:00.000000Z",
            "end_earliest": "2017-07-27T17:00:00.000000Z",
            "end_latest": "2017-07-27T17:10:00.000000Z",
            "cycles": 7,
            "failed": 7,
            "outcomes": {"unreachable": 7},
            "mechanisms": {"tls.reset": 7},
        }
    ]


def test_json_without_anything_is_the_empty_document() -> None:
    out = io.StringIO()
    comparison.write_json([], [], out)
    assert json.loads(out.getvalue()) == {"answers": [], "unreported": []}


def test_jsonl_is_one_answer_per_line() -> None:
    out = io.StringIO()
    comparison.write_jsonl([held(reported()), held(reported(id="b"), seen())], out)
    lines = out.getvalue().splitlines()
    assert [json.loads(line)["report"] for line in lines] == ["whatsapp-media", "b"]
    assert json.loads(lines[0])["during"]["share"] is None


def test_csv_is_one_row_per_answer_with_empty_cells_for_what_is_not_known() -> None:
    out = io.StringIO(newline="")
    comparison.write_csv([held(reported(), seen()), held(reported(id="b"))], out)
    text = out.getvalue()
    assert text.count("\r\n") == text.count("\n") == 3
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert first["during_failed"] == "12"
    assert first["during_share"] == first["effect"] == "0.600000"
    assert first["mechanisms"] == "tls.reset=12"
    assert (second["during_cycles"], second["during_share"]) == ("0", "")
    assert (second["p"], second["lag"], second["vantages"]) == ("", "", "")
    assert len(first) == len(comparison.COLUMNS) == 30


def test_the_measured_dates_and_the_lag_stand_in_csv_and_json() -> None:
    quiet = [*cycles("." * 1440, START - 10 * DAY), *cycles("." * 288, START + 2 * DAY)]
    found = held(reported(), [*quiet, *cycles("b" * 288)])
    out = io.StringIO(newline="")
    comparison.write_csv([found], out)
    (row,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert row["answer"] == "supported"
    assert row["onset_latest"] == "2017-07-17T16:00:00.000000Z"
    assert row["lag"] == "-24.166667 0.000000"
    assert row["networks"] == "CN AS4134 residential=as claimed"
    told = io.StringIO()
    comparison.write_jsonl([found], told)
    assert json.loads(told.getvalue())["lag"] == [-24 - 1 / 6, 0.0]


def test_csv_has_its_header_without_any_answer() -> None:
    out = io.StringIO(newline="")
    comparison.write_csv([], out)
    assert out.getvalue().startswith("report,answer,coverage,vantages,before_cycles,")


def test_no_cell_of_the_csv_is_a_formula() -> None:
    vantage = Vantage(id="=cmd()", country="CN")
    out = io.StringIO(newline="")
    verdicts = cycles("xxx", vantage=vantage, mechanism="@sum")
    comparison.write_csv([held(reported(), verdicts)], out)
    (row,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert row["vantages"] == "'=cmd()"
    assert row["mechanisms"] == "'@sum=3"
    assert row["sentence"].startswith("Seen from =cmd(), ")
    out = io.StringIO(newline="")
    elsewhere = cycles("x", START + timedelta(days=99), vantage=vantage)
    comparison.write_csv([held(reported(), elsewhere)], out)
    (row,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert row["sentence"].startswith("'=cmd() measured ")
