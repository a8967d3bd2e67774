"""How a figure is begun, labelled and saved; the one place that knows matplotlib's settings.

Nothing here depends on the machine: matplotlib's own settings files are not used, the font is the
one that it brings along, and neither dates nor random ids get into a file.
"""

import contextlib
import io
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from probe.show.figures.palette import INK, QUIET, RULE
from probe.show.terminal import safe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import FigureCanvasBase
    from matplotlib.figure import Figure

WIDTH: Final = 10.0  # inches
LABEL: Final = 48  # characters
TOP: Final = 1.0  # a title's place over its plot; matplotlib would measure all labels to find it
_ABSENT: Final = "\N{WHITE SQUARE}"
_FONTS: Final = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
_NO_METADATA: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_DPI: Final = 200  # of a PNG
# A tenth of a point is finer than an eye; more digits triple the file.
_PATHS: Final = re.compile(rb' d="[^"]*"')
_DIGITS: Final = re.compile(rb"(?<=\d\.\d)\d+| \n")
_STYLE: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.parse_math": False,  # a $ in a name is a $
    "text.usetex": False,
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.formatter.use_mathtext": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "hatch.linewidth": 0.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "probe",
    "date.autoformatter.year": "%Y",
}


@dataclass(frozen=True, slots=True)
class Image:
    """A figure as files, with what has to be said beside it.

    ``name`` fits into a file name. ``alt`` says in words what is to be seen; ``notes`` say how it
    is drawn, and what was left out. ``png`` is None where nobody wanted it.
    """

    name: str
    title: str
    alt: str
    notes: tuple[str, ...]
    svg: bytes = field(repr=False)
    png: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure with what has to be said beside it, as in an ``Image``."""

    name: str
    title: str
    alt: str
    notes: tuple[str, ...]
    figure: "Figure" = field(repr=False)

    def image(self, *, png: bool = False) -> Image:
        """It as files."""
        svg = self.svg()
        return Image(self.name, self.title, self.alt, self.notes, svg, self.png() if png else None)

    def svg(self) -> bytes:
        """The figure as SVG; letters are outlines, so it looks the same everywhere."""
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        out = io.BytesIO()
        with _style(), _laid_out(self.figure, FigureCanvasSVG, self.figure.dpi):
            self.figure.savefig(out, format="svg", metadata=_NO_METADATA)
        return _PATHS.sub(lambda path: _DIGITS.sub(b"", path[0]), out.getvalue())

    def png(self) -> bytes:
        """The figure as PNG, 200 dots per inch."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        out = io.BytesIO()
        with _style(), _laid_out(self.figure, FigureCanvasAgg, _DPI):
            self.figure.savefig(out, format="png", dpi=_DPI, metadata={"Software": None})
        return out.getvalue()


def available() -> bool:
    """Whether matplotlib can be imported."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


@contextlib.contextmanager
def canvas(height: float, width: float = WIDTH) -> Iterator["Figure"]:
    """A figure of so many inches to draw on, under this module's settings."""
    from matplotlib.figure import Figure

    with _style():
        yield Figure(figsize=(width, height), layout="constrained")


def label(text: str, longest: int = LABEL) -> str:
    """Outside text for a figure: on one line, cut in its middle, in letters that the font has."""
    return "".join(
        character if ord(character) in _letters() else _ABSENT
        for character in shorten(safe(shorten(text, 8 * longest)), longest)
    )


def shorten(text: str, longest: int = LABEL) -> str:
    """The beginning and the end of a text that is too long."""
    tail = longest // 3
    return text if len(text) <= longest else f"{text[: longest - tail - 1]}…{text[-tail:]}"


def bare(axes: "Axes") -> None:
    """Take away the frame and the marks of the vertical axis."""
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)


def legend(figure: "Figure", entries: Sequence[tuple[Any, str]], across: int) -> None:
    """Below a figure, what its looks mean: each a handle of matplotlib and a text."""
    figure.legend(
        handles=[handle for handle, _ in entries],
        labels=[label(text) for _, text in entries],
        loc="outside lower left",
        ncols=across,
        frameon=False,
        fontsize=8,
        handleheight=1.1,
        handlelength=1.8,
    )


@contextlib.contextmanager
def _laid_out(figure: "Figure", form: "type[FigureCanvasBase]", dpi: float) -> Iterator[None]:
    """Inside, everything has its place for this form; else savefig would draw twice to find it."""
    layout, before = figure.get_layout_engine(), figure.dpi
    assert layout is not None  # ``canvas`` gave it one
    form(figure)  # from now on the figure's letters are measured as this form writes them
    figure.dpi = dpi
    layout.execute(figure)
    figure.dpi = before
    figure.set_layout_engine(None)
    try:
        yield
    finally:
        figure.set_layout_engine(layout)


@contextlib.contextmanager
def _style() -> Iterator[None]:
    import matplotlib as mpl
    from matplotlib import style

    # It speaks of its caches there, which nobody asked about.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    with mpl.rc_context(), style.context(_STYLE, after_reset=True):
        yield


@cache
def _letters() -> frozenset[int]:
    import matplotlib as mpl
    from matplotlib.ft2font import FT2Font

    fonts = Path(mpl.get_data_path(), "fonts", "ttf")
    plain, bold = (set(FT2Font(str(fonts / name)).get_charmap()) for name in _FONTS)
    return frozenset(plain & bold)
