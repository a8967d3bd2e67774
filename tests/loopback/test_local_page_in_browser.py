"""The local page in a real browser: nothing leaves, nothing complains, everybody can use it."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from loopback.browser import Browser, chromium
from support.command import PROBE, Command, wait_until
from support.local_page import blocked, verdicts, write
from support.pictured import HOSTILE

pytestmark = pytest.mark.servers
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day with everything in it, and names that are markup."""
    root = tmp_path_factory.mktemp("page") / "results"
    write(root, verdicts("...bb.oo??dduu" * 4, NOW - timedelta(hours=12)))
    write(root, verdicts("b" * 20, NOW - timedelta(days=20), timedelta(days=1), service="monthly"))
    for text in HOSTILE:
        name = text.replace("\ud800", "")
        write(root, verdicts(".b", NOW - timedelta(hours=1), service=name, feature=name, note=name))
    blocked(root, NOW - timedelta(minutes=2))
    return root


@pytest.fixture(scope="module")
def address(results: Path) -> Iterator[str]:
    with closing(Command(results.parent, "")) as command:
        process: subprocess.Popen[bytes] = command.start(
            *PROBE, "serve", "--listen", "127.0.0.1:0", "--results", results
        )
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        yield line.partition("http://")[2].partition("/")[0]


@pytest.fixture(scope="module")
def browser(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("browser"), address) as started:
        yield started


def pages(browser: Browser, address: str) -> Iterator[str]:
    """Each kind of page once."""
    base = f"http://{address}"
    yield from (f"{base}/", f"{base}/month", f"{base}/events", f"{base}/downloads")
    browser.open(f"{base}/", 1400)
    for start in ("/feature", "/hour/"):
        yield base + browser.value(f"document.querySelector('main a[href^=\"{start}\"]')"
                                   ".getAttribute('href')")  # fmt: skip
    hour = f"{NOW - timedelta(minutes=2):%Y-%m-%dT%H}"
    browser.open(f"{base}/hour/{hour}?target=shop", 1400)
    verdict = browser.value("document.querySelector('a[href^=\"/verdict/\"]').getAttribute('href')")
    yield base + verdict


def test_nothing_leaves_nothing_complains_and_nothing_is_too_wide(
    browser: Browser, address: str
) -> None:
    for url in list(pages(browser, address)):
        for width in (1400, 390):
            browser.said.clear()
            browser.wanted.clear()
            browser.open(url, width, dark=width == 390)
            assert browser.said == [], url
            assert all(one.startswith(f"http://{address}/") for one in browser.wanted), url
            assert browser.value("document.documentElement.scrollWidth") <= width, (url, width)
            assert "run" not in browser.value("document.title")
    assert [line for line in browser.listener.asked if ".example" in line] == []


NAMELESS = {"link", "button", "textbox", "combobox", "table", "navigation", "heading"}


def unnamed(browser: Browser) -> list[Any]:
    """What a screen reader finds that has a role and no name, as the browser computes them."""
    browser.call("Accessibility.enable")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = [(n.get("role", {}).get("value"), n.get("name", {}).get("value")) for n in nodes]
    assert any(role == "rowheader" for role, _ in roles) or "table" not in {r for r, _ in roles}
    return [role for role, name in roles if role in NAMELESS and not name]


# How far each letter and word stands off from what is behind it (WCAG 2.2, 1.4.3).
CONTRAST = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (css) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (one) => { for (let at = one; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (rgb(colour)[3] === 255) return colour; } return "white"; };
  const low = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || one.closest("script, noscript") || !one.getClientRects().length) continue;
    const [a, b] = [getComputedStyle(one).color, behind(one)].map((c) => light(rgb(c)));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push([one.className, one.textContent.slice(0, 20), ratio.toFixed(2)]);
  }
  return low;
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_read_by_everybody(browser: Browser, address: str, dark: bool) -> None:
    for url in list(pages(browser, address)):
        browser.open(url, 1400, dark=dark)
        browser.value("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert unnamed(browser) == [], url
        assert browser.value(CONTRAST) == [], url
        assert browser.value("document.querySelectorAll('h1').length") == 1
        assert browser.value("document.querySelectorAll('main, header, footer').length") == 3
        assert browser.value("document.documentElement.lang") == "en"


def press(browser: Browser, key: str) -> None:
    for kind in ("rawKeyDown", "char", "keyUp"):
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" and kind == "char" else {}
        browser.call(
            "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text
        )


def test_by_keyboard_one_skips_to_the_content_and_sees_where_one_is(
    browser: Browser, address: str
) -> None:
    browser.open(f"http://{address}/", 1400)
    press(browser, "Tab")
    assert browser.value("document.activeElement.textContent") == "Skip to the content"
    assert browser.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press(browser, "Enter")
    wait_until(lambda: browser.value("document.activeElement.id") == "content")


def test_what_is_written_appears_by_itself_and_the_place_is_kept(
    browser: Browser, address: str, results: Path
) -> None:
    browser.open(f"http://{address}/", 1400)
    browser.said.clear()
    browser.value("document.querySelector('main .name').focus()")
    place = browser.value("document.activeElement.getAttribute('href')")
    write(results, verdicts("b", NOW - timedelta(minutes=1), service="newcomer"))
    # The page asks after a minute: here after two seconds, when files are looked at again.
    browser.value(
        "(() => { const old = document.querySelector('script[src]'); "
        "const again = document.createElement('script'); again.src = old.src + '?now'; "
        "again.dataset.seconds = '2'; document.head.append(again); })()"
    )
    wait_until(lambda: "newcomer" in browser.value("document.body.textContent"), within=20)
    assert browser.value("document.activeElement.getAttribute('href')") == place
    assert browser.said == []
