"""The page in a real browser: nothing leaves, nothing runs, nothing sticks out."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from loopback.browser import Browser, chromium
from support.pictured import HOSTILE, named, verdicts
from support.records import measured, step
from support.reported import LAB, claim, report_file

from probe.cli.main import main
from probe.record.journal import Journal

pytestmark = pytest.mark.servers
pytest.importorskip("matplotlib")

# YAML holds none of these; in stored results they may stand.
_NOT_YAML = str.maketrans("", "", "\x00\x1b\ud800")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page in which every text that comes from outside is hostile."""
    folder = tmp_path_factory.mktemp("page")
    steps = [replace(step("connect", 2), t=0.1), replace(step("transfer", 2), t=0.1)]
    with Journal(folder / "results") as journal:
        # No line of JSON holds half a character.
        for text in ("plain", *(one.replace("\ud800", "") for one in HOSTILE)):
            for verdict in (*verdicts(), *named(text)):
                journal.verdict(verdict)
                made = measured("https", steps, started=verdict.at)
                target = replace(made.target, id=text, service=text, feature=text)
                journal.measurement(replace(made, target=target, vantage=LAB))
    claims = [
        claim(
            id=f"hostile-{number}",
            title=text.translate(_NOT_YAML),
            sources=[
                {
                    "publisher": text.translate(_NOT_YAML),
                    "date": "2017-07-18",
                    "url": 'https://leak.example/source?a="><script>1</script>'.replace(" ", ""),
                    "says": text.translate(_NOT_YAML),
                }
            ],
        )
        for number, text in enumerate(HOSTILE)
    ]
    (folder / "reports.yaml").write_text(report_file(*claims), "utf-8")
    out = folder / "page.html"
    reports = ["--reports", str(folder / "reports.yaml"), "--until", "2017-07-21"]
    arguments = ["--results", str(folder / "results"), "-o", str(out), "--quiet", *reports]
    assert main(["report", *arguments, "--title", "</title>" + HOSTILE[0]]) == 0
    return out


def asked(browser: Browser) -> list[str]:
    """What pages wanted from the network; a browser's own errands go elsewhere."""
    return [line for line in browser.listener.asked if ".example" in line]


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_leaves_nothing_runs_and_nothing_complains(
    browser: Browser, page: Path, width: int
) -> None:
    browser.said.clear()
    browser.wanted.clear()
    browser.open(page, width)
    assert browser.value("document.title").startswith("</title><script>")
    assert browser.value("document.scripts.length") == 0
    assert browser.value("[...document.images].every(one => one.naturalWidth > 0)")
    assert browser.said == []
    assert [url for url in browser.wanted if not url.startswith("data:")] == [page.as_uri()]
    assert asked(browser) == []


@pytest.mark.parametrize("width", [1280, 768, 360, 320])
def test_nothing_is_wider_than_the_screen(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width)
    assert browser.value("document.documentElement.scrollWidth") <= width
    # Only figures may be moved sideways, each in its own frame.
    wide = browser.value(
        "[...document.querySelectorAll('main *')].filter("
        "one => !one.closest('.scroll') && one.getBoundingClientRect().right > innerWidth + 1"
        ").map(one => one.outerHTML.slice(0, 80))"
    )
    assert wide == []


def test_on_a_narrow_screen_the_table_becomes_cards(browser: Browser, page: Path) -> None:
    shown = "getComputedStyle(document.querySelector('.answers tr:last-child')).display"
    browser.open(page, 1280)
    assert browser.value(shown) == "table-row"
    browser.open(page, 360)
    assert browser.value(shown) == "block"


def test_a_download_holds_what_it_says(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    saved = browser.value(
        "atob(document.querySelector('a[download=\"answers.csv\"]').href.split('base64,')[1])"
    )
    assert saved.startswith("report,answer,coverage")
    assert saved.count("\r\nhostile-") == len(HOSTILE)


def test_it_prints_on_paper(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    assert browser.printed().startswith(b"%PDF")


def test_the_listener_sees_what_a_page_wants_and_the_console_what_it_says(
    browser: Browser, tmp_path: Path
) -> None:
    browser.said.clear()
    loud = tmp_path / "loud.html"
    loud.write_text("<img src=http://leak.example/c><script>console.error('loud')</script>")
    browser.open(loud, 800)
    assert "loud" in str(browser.said)
    assert any("leak.example" in line for line in asked(browser))
    browser.listener.asked.clear()
