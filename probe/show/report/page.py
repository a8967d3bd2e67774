"""The page as a whole: its parts in order, written piece by piece."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TextIO

from probe.compare.comparison import Comparison
from probe.show.figures.canvas import Image
from probe.show.figures.gallery import chosen
from probe.show.figures.rows import Row
from probe.show.figures.scale import Scale
from probe.show.report import answers, words
from probe.show.report.appendix import appendix
from probe.show.report.downloads import downloads
from probe.show.report.headline import headline
from probe.show.report.markup import Markup, element, joined, outside
from probe.show.report.style import policy, sheet
from probe.show.report.unreported import unreported

TITLE: Final = "Reported disruptions, held against measurements"
_PARTS: Final = (
    ("measured", "What was measured"),
    ("answers", "What was reported, and what the results say"),
    ("figures", "Figures"),
    ("unreported", "What nobody reported"),
    ("reports", "The reports one by one"),
    ("data", "Data"),
    ("methods", "Methods and limits"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the page is about. ``scale`` is None, and ``rows`` are empty, where there is no data.

    ``left_out`` are sentences on what the figures could not hold.
    """

    comparison: Comparison
    rows: Sequence[Row]
    scale: Scale | None
    made: datetime
    version: str
    title: str = TITLE
    left_out: Sequence[str] = ()


def write(page: Page, images: Iterable[Image], out: TextIO) -> None:
    """Write the page; ``images`` may be drawn one by one while it is written."""
    out.write("<!DOCTYPE html>\n")
    out.write('<html lang="en">\n')
    out.write(_head(page))
    out.write("\n<body>\n")
    out.write(_header(page))
    out.write("\n<main>\n")
    for name, part in _parts(page, images):
        heading = dict(_PARTS)[name]
        out.write(f'<section aria-labelledby="{name}">\n')
        out.write(element("h2", heading, id=name))
        out.writelines(part)
        out.write("\n</section>\n")
    out.write("</main>\n")
    out.write(_footer())
    out.write("\n</body>\n</html>\n")


def _parts(page: Page, images: Iterable[Image]) -> Iterator[tuple[str, Iterable[str]]]:
    shown, left_out = answers.listed(page.comparison)
    yield "measured", [headline(page.comparison, page.rows)]
    yield "answers", [answers.overview(shown, left_out)]
    yield "figures", _figures(page, images)
    yield "unreported", [unreported(page.comparison.unreported)]
    yield "reports", [answers.details(shown) or element("p", "No report was given.")]
    yield "data", [downloads(page.comparison, page.rows, page.scale)]
    yield "methods", [appendix()]


def _figures(page: Page, images: Iterable[Image]) -> Iterator[str]:
    if not page.rows:
        yield element("p", "There is nothing to draw.")
        return
    services = {row.service for row in page.rows}
    without = sorted(services - set(chosen(page.rows)))
    notes = list(page.left_out)
    if without:
        notes.append(f"Services without a timeline of their own, {len(without)} in all: "
                     f"{', '.join(without[:20])}{' …' if len(without) > 20 else ''}.")  # fmt: skip
    yield element(
        "p", "On a narrow screen a figure can be moved sideways in its frame.", class_="hint notes"
    )
    for number, image in enumerate(images, 1):
        yield _figure(number, image)
    if notes:
        yield element("h3", "What the figures leave out")
        yield element("ul", *(element("li", outside(note)) for note in notes))


def _figure(number: int, given: Image) -> Markup:
    encoded = base64.b64encode(given.svg).decode()
    image = element("img", src=f"data:image/svg+xml;base64,{encoded}", alt=given.alt[:_ALT])
    notes = " ".join(given.notes)
    return joined(
        element("h3", outside(given.title, 200), class_="unseen"),
        element(
            "figure",
            element(
                "div",
                image,
                class_="scroll",
                tabindex="0",
                role="region",
                aria_label=f"Figure {number}",
            ),
            element(
                "figcaption",
                element("strong", f"Figure {number}. "),
                outside(notes),
                class_="notes",
            ),
        ),
        Markup("\n"),
    )


_ALT: Final = 3000  # characters of a description


def _head(page: Page) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy()}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="generator", content=f"probe {page.version}"),
        element("title", page.title[:300]),
        sheet(),
    )


def _header(page: Page) -> Markup:
    links = (element("li", element("a", text, href=f"#{name}")) for name, text in _PARTS)
    return element(
        "header",
        element("h1", outside(page.title, 300)),
        element(
            "p",
            f"Made on {words.minute(page.made)} by probe {page.version}. Windows without an end "
            f"are closed at {words.minute(page.comparison.until)}.",
            class_="byline",
        ),
        element("nav", element("ul", *links), aria_label="Parts of this page"),
    )


def _footer() -> Markup:
    return element(
        "footer",
        element(
            "p",
            "When citing, name the vantages' networks, the time in UTC, and the figure's number "
            "together with the date of this page.",
        ),
    )
