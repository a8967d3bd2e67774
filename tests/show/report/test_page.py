"""The page as a whole."""

import hashlib
import io
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser

import pytest
from support.pictured import HOSTILE, compared, named, verdicts
from support.reported import LAB, reported

from probe.compare.comparison import Comparison
from probe.show.figures.gallery import drafts
from probe.show.figures.painters import Painters
from probe.show.figures.rows import rows
from probe.show.figures.scale import scale
from probe.show.report import answers, page

pytest.importorskip("matplotlib")

# Elements without an end.
VOID = {"meta", "img"}


class Reader(HTMLParser):
    """Checks that elements nest, and keeps what a test asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.headings: list[int] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def of(self, tag: str, name: str) -> list[str]:
        return [value for one, other, value in self.attributes if (one, other) == (tag, name)]


def written(comparison: Comparison, *, draw: bool = True, **about: object) -> str:
    axis = scale(comparison.series)
    given = rows(comparison, axis) if axis else ()
    figures = drafts(given, (), axis, comparison.until) if axis and draw else ()
    out = io.StringIO()
    made = datetime(2026, 11, 24, 12, tzinfo=UTC)
    known = {"rows": given, "scale": axis, "made": made, "version": "1"}
    page.write(
        page.Page(comparison=comparison, **{**known, **about}), Painters(0).images(figures), out
    )  # type: ignore[arg-type]
    return out.getvalue()


def test_elements_nest_and_headings_are_in_order() -> None:
    read = Reader(written(compared()))
    assert read.headings[0] == 1
    assert read.headings.count(1) == 1
    steps = zip(read.headings, read.headings[1:], strict=False)
    assert all(later <= earlier + 1 for earlier, later in steps)
    assert read.of("html", "lang") == ["en"]
    names = read.of("h2", "id")
    assert [f"#{name}" for name in names] == read.of("a", "href")[: len(names)]


def test_the_page_runs_nothing_and_loads_nothing() -> None:
    text = written(compared())
    read = Reader(text)
    assert not {"script", "link", "iframe", "object", "form", "base"} & set(read.tags)
    assert all(src.startswith("data:image/svg+xml;base64,") for src in read.of("img", "src"))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    (policy,) = (value for value in read.of("meta", "content") if "default-src" in value)
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_every_picture_has_words_beside_it() -> None:
    read = Reader(written(compared()))
    assert len(read.of("img", "alt")) == len(read.of("img", "src")) == 4
    assert all(len(alt) > 40 for alt in read.of("img", "alt"))
    assert read.tags.count("figcaption") == 4


def test_each_report_stands_with_its_answer_its_sentence_and_its_sources() -> None:
    source = {
        "publisher": "The Paper",
        "date": "2017-07-18",
        "url": "https://paper.example/1",
        "says": "It fails.",
    }
    comparison = compared(reports=[reported(sources=[source])])
    read = Reader(written(comparison, draw=False))
    (answer,) = comparison.answers
    assert read.text.count(answer.sentence) == 2
    assert "Pictures fail" in read.text
    assert "The Paper, 2017-07-18: It fails." in read.text
    assert "https://paper.example/1" in read.of("a", "href")
    assert read.of("a", "rel") == ["noopener noreferrer"]
    assert read.of("article", "id") == ["report-1"]
    assert "[1]" in read.text


def test_the_top_says_what_was_measured_when_and_by_whom() -> None:
    read = Reader(written(compared(), draw=False))
    said = " ".join(read.text.split())
    assert (
        "2 vantages on 2 networks measured 2 features of 1 service from 2017-07-16 16:00 UTC to "
        "2017-07-19 03:00 UTC: 166 cycles with a conclusion, of which 12 failed, and 4 cycles "
        "without. A cycle is one round of checks of one feature from one vantage. This is held "
        "against 3 reports."
    ) in said
    assert "Made on 2026-11-24 12:00 UTC by probe 1." in said


def test_a_page_without_data_says_so_openly() -> None:
    text = written(compared([]))
    assert "No results were found for this time." in text
    assert "There is nothing to draw." in text
    assert "series.csv" not in text
    assert text.count("no coverage") >= 3


def test_a_page_without_reports_says_so() -> None:
    text = written(compared(reports=[]))
    assert "No report was given" in text
    assert "What nobody reported" in text


def test_what_nobody_reported_is_listed() -> None:
    read = Reader(written(compared(reports=[]), draw=False))
    assert "blocked tls.reset.sni" in read.text
    quiet = Reader(written(compared(), draw=False))
    assert "No disruption was found outside the reported windows." in quiet.text


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_gets_out_of_its_place(text: str) -> None:
    source = {
        "publisher": text.replace("\x00", "").replace("\x1b", "").replace("\ud800", ""),
        "date": "2017-07-18",
        "says": "x",
    }
    hostile = reported(title=source["publisher"], sources=[source])
    given = [*verdicts(), *named(text)]
    plain = Reader(written(compared([*verdicts(), *named("plain")], [reported()]), draw=False))
    read = Reader(written(compared(given, [hostile]), draw=False, title=text))
    assert read.tags == plain.tags
    assert {name for _, name, _ in read.attributes} == {name for _, name, _ in plain.attributes}
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]
    assert "\u202e" not in read.text


def test_too_many_reports_are_left_out_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LISTED", 2)
    monkeypatch.setattr(answers, "UNCOVERED", 1)
    nowhere = [reported(id=f"n{at}", country="XE") for at in range(5)]
    here = [reported(id=f"h{at}") for at in range(3)]
    text = written(compared(reports=[*nowhere, *here]), draw=False)
    read = Reader(text)
    assert read.of("article", "id") == ["report-1", "report-6", "report-7"]
    assert "5 more reports are left out here." in read.text
    answered = re.search(r'href="data:text/csv;base64,([^"]*)" download="answers.csv"', text)
    assert answered is not None
    assert b64decode(unescape(answered[1])).count(b"\r\n") == 9


def test_every_answer_has_a_sign_a_word_and_a_meaning() -> None:
    text = written(compared(), draw=False)
    for word, sign in answers.SIGNS.items():
        assert sign in text
        assert answers.MEANINGS[word] in text
    assert len(set(answers.SIGNS.values())) == len(answers.SIGNS)


def test_a_year_of_many_targets_stays_a_page() -> None:
    given = [verdict for at in range(40) for verdict in named(f"service-{at}", vantage=LAB)]
    text = written(compared([*given, *verdicts()]))
    assert text.count("<img") <= 12 + 5
    assert len(text) < 5_000_000
    assert "Services without a timeline of their own, 29 in all" in text
