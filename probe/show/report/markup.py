"""HTML from Python: a text is escaped unless it is ``Markup`` already, and only this module and
the style sheet make that."""

from html import escape
from typing import Final
from urllib.parse import urlsplit

from probe.show.figures.canvas import shorten
from probe.show.terminal import safe

LONGEST: Final = 2000  # characters of a text from outside
_VOID: Final = frozenset({"img", "input", "link", "meta"})


class Markup(str):
    """HTML that may stand in the page as it is."""

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: str | None) -> Markup:
    """An element. ``class_`` is class, ``data_label`` is data-label; None leaves one out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(*content)}</{name}>")


def joined(*content: str) -> Markup:
    """Texts and elements, one behind the other."""
    return Markup("".join(part if isinstance(part, Markup) else _escaped(part) for part in content))


def outside(text: str, longest: int = LONGEST) -> Markup:
    """A text from a file or a server: bounded, and in a direction of its own."""
    return element("bdi", shorten(text, longest))


def link(url: str, text: str) -> Markup:
    """A link to a web page; whatever else it may be is shown as text only."""
    try:
        parts = urlsplit(url)
        web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        web = False
    if not web:
        return joined(outside(text), " (", outside(url), ")")
    return element("a", outside(text), href=url, rel="noopener noreferrer")


def table(
    caption: str, columns: tuple[str, ...], rows: list[tuple[str, ...]], kind: str = ""
) -> Markup:
    """A table whose first cells name their rows; on a narrow screen each row becomes a card."""
    head = element("tr", *(element("th", column, scope="col") for column in columns))
    body = [
        element(
            "tr",
            element("th", row[0], scope="row", data_label=columns[0]),
            *(
                element("td", cell, data_label=column)
                for column, cell in zip(columns[1:], row[1:], strict=True)
            ),
        )
        for row in rows
    ]
    return element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", *body),
        class_=f"cards {kind}".strip(),
    )


def _escaped(text: str) -> str:
    return escape(safe(text), quote=True)
