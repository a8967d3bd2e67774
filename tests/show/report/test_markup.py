"""HTML that texts cannot get out of."""

from html.parser import HTMLParser

import pytest
from support.pictured import HOSTILE

from probe.show.report.markup import LONGEST, Markup, element, joined, link, outside, table


class Reader(HTMLParser):
    """Elements and texts as a browser takes them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_stays_a_text_in_content_and_in_attributes(text: str) -> None:
    read = Reader(element("p", text, title=text))
    assert read.tags == ["p"]
    assert [name for name, _ in read.attributes] == ["title"]
    assert read.text == read.attributes[0][1]


def test_only_markup_is_taken_as_it_is() -> None:
    assert element("p", Markup("<b>x</b>"), "<b>") == "<p><b>x</b>&lt;b&gt;</p>"
    assert joined("a & b", element("meta", charset="utf-8")) == 'a &amp; b<meta charset="utf-8">'


def test_names_of_attributes_are_written_as_html_has_them() -> None:
    assert element("p", class_="a", data_label="b", id=None) == '<p class="a" data-label="b"></p>'


def test_what_acts_on_the_eye_is_made_visible() -> None:
    assert outside("a\u202eb\x00") == "<bdi>a\\u202eb\\x00</bdi>"
    assert len(outside("x" * 10_000)) < LONGEST + 20


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//leak.example/", "http://", "http://[", ""]
)
def test_only_web_addresses_become_links(url: str) -> None:
    read = Reader(link(url, "Paper"))
    assert "a" not in read.tags
    assert read.text == f"Paper ({url})"


def test_a_link_tells_nobody_where_it_was_followed() -> None:
    read = Reader(link('https://paper.example/?a=1&b="', "Paper"))
    assert dict(read.attributes) == {
        "href": 'https://paper.example/?a=1&b="',
        "rel": "noopener noreferrer",
    }


def test_each_cell_of_a_table_knows_its_column() -> None:
    read = Reader(table("All", ("One", "Two"), [("a", "b")]))
    assert [value for name, value in read.attributes if name == "data-label"] == ["One", "Two"]
    assert read.tags == ["table", "caption", "thead", "tr", "th", "th", "tbody", "tr", "th", "td"]
