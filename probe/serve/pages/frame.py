"""What every page has: its head, the way around it, and who made it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from probe import __version__
from probe.show.report.markup import Markup, element, joined

REFRESH: Final = 60  # seconds after which a browser without JavaScript asks again
_PAGES: Final = (
    ("/", "Now and 24 hours"),
    ("/month", "30 days"),
    ("/events", "Events"),
    ("/downloads", "Downloads"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a page is called, and what stands around it.

    ``still`` is where the page is found that does not refresh itself, None where it never does.
    ``soon`` asks for it again after that many seconds: something is still being read.
    """

    title: str
    here: str = ""
    still: str | None = None
    soon: int | None = None
    can_leave: bool = False  # a token was asked for
    notices: Sequence[Markup] = ()


def page(frame: Frame, *content: str) -> bytes:
    """The whole document."""
    body = element(
        "body",
        element("a", "Skip to the content", href="#content", class_="skip"),
        _header(frame),
        element("main", *frame.notices, *content, id="content", tabindex="-1"),
        _footer(frame),
    )
    html = element("html", _head(frame), body, lang="en")
    return f"<!DOCTYPE html>\n{html}\n".encode()


def _head(frame: Frame) -> Markup:
    parts = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex"),
        element("title", f"{frame.title[:200]} · probe"),
        element("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
        element("link", rel="stylesheet", href="/static/page.css"),
    ]
    if frame.still is not None:
        seconds = str(frame.soon or REFRESH)
        again = element("meta", http_equiv="refresh", content=seconds)
        parts += [
            element("noscript", again),
            element("script", src="/static/refresh.js", defer="", data_seconds=seconds),
        ]
    return element("head", *parts)


def _header(frame: Frame) -> Markup:
    links = (
        element(
            "li",
            element("a", text, href=path, aria_current="page" if path == frame.here else None),
        )
        for path, text in _PAGES
    )
    leave: list[str] = []
    if frame.can_leave:
        button = element("button", "Sign out", type="submit")
        leave = [element("form", button, method="post", action="/logout")]
    return element(
        "header",
        element("a", "probe", href="/", class_="brand"),
        element("nav", element("ul", *links), aria_label="Pages"),
        *leave,
    )


def _footer(frame: Frame) -> Markup:
    said = [element("span", f"probe {__version__}; all times are UTC. ")]
    if frame.still is not None:
        said += [
            element("span", "This page keeps itself up to date. ", id="fresh"),
            element("a", "Hold it still", href=frame.still),
        ]
    return element("footer", element("p", *said))


def link(path: str, text: str, class_: str | None = None, **query: str | None) -> Markup:
    """A link to a page of ours, with what it is asked for."""
    return element("a", text, href=address(path, query), class_=class_)


def address(path: str, query: Mapping[str, str | None]) -> str:
    """A path with its query; what is None is left out."""
    given = {key: value for key, value in query.items() if value is not None}
    # A line of JSON can hold half a character, and no URL can.
    pairs = urlencode(given, errors="replace") if given else ""
    return f"{path}?{pairs}" if pairs else path


def segment(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="", errors="replace")


def crumbs(*steps: str) -> Markup:
    """The way here, from the whole to the part."""
    items = (element("li", step) for step in steps)
    return element("nav", element("ol", *items), aria_label="The way here", class_="crumbs")


def notice(*content: str) -> Markup:
    """Something that must be known before the rest is read."""
    return element("p", *content, class_="notice")


def section(name: str, heading: str, *content: str) -> Markup:
    """A part of a page under its heading."""
    return element("section", element("h2", heading, id=name), *content, aria_labelledby=name)


def facts(*pairs: tuple[str, str]) -> Markup:
    """Names and what they are."""
    return element("dl", *(joined(element("dt", a), element("dd", b)) for a, b in pairs))
