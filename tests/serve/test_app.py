"""The pages as a browser gets them: from a cell to its evidence, and whatever one may ask for."""

import csv
import io
import json
import re
import shutil
from dataclasses import replace
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from support.local_page import HERE, NOW, blocked, page, verdicts, write
from support.pictured import HOSTILE
from support.records import measured, step
from support.virtual import DAY

from probe.cli.main import main
from probe.core.ids import uuid7
from probe.core.model import Event, Target
from probe.record.journal import Journal
from probe.serve import words
from probe.serve.pages.overview import ROWS
from probe.show.csv import COLUMNS

HOUR = "2017-07-18T01"


def links(text: str, start: str) -> list[str]:
    return [unescape(found) for found in re.findall(rf'href="({start}[^"]*)"', text)]


async def get(client: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await client.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
    return answer.text


async def test_from_now_to_the_evidence_to_a_measurement(tmp_path: Path) -> None:
    given = blocked(tmp_path)
    async with page(tmp_path) as client:
        first = await get(client, "/")
        assert "18 July, 01:00: blocked 1 (tls.reset)" in first
        assert "before:" not in first
        (hour,) = links(first, "/hour/")
        assert hour.startswith(f"/hour/{HOUR}?vantage=")
        listed = await get(client, hour)
        (verdict,) = links(listed, "/verdict/")
        shown = await get(client, verdict)
        for said in (
            "What was done",
            "trial 1: the TLS handshake",
            "connection_reset",
            "online",
            "fra-1 (DE) counts",
            "failed-control-fine",
            "what would have changed it",
        ):
            assert said in unescape(shown), said
        found = links(shown, "/measurement/")
        assert len(found) == len({*given.evidence, *given.control.ids})
        steps = await get(client, found[0])
        assert "tls handshake" in steps
        assert "<svg" in steps
        (as_json,) = links(steps, "/measurement/")
        stored = json.loads(await get(client, as_json))
        assert stored["id"] == given.evidence[0]
        feature = await get(client, links(first, "/feature")[0])
        assert "Its targets" in feature


async def test_a_month_leads_to_its_days(tmp_path: Path) -> None:
    write(tmp_path, verdicts("b" * 30, DAY - timedelta(days=29), timedelta(days=1)))
    async with page(tmp_path) as client:
        month = await get(client, "/month")
        cells = links(month, r"/\?vantage")
        assert len(cells) == 30
        assert "for at least 29 days" in month
        day = await get(client, cells[-2])
        assert "24 hours until 2017-07-18 00:00 UTC" in day
        assert "17 July, 00:00: blocked 1" in day


async def test_gaps_are_never_shown_as_ok(tmp_path: Path) -> None:
    write(tmp_path, verdicts("oooooo??????", DAY))
    async with page(tmp_path) as client:
        first = await get(client, "/")
    assert "18 July, 00:00: offline 6" in first
    assert "18 July, 01:00: inconclusive 6" in first
    assert first.count("nothing measured") == 22
    timeline = first[first.index("<tbody") : first.index("</tbody>")]
    assert "a-ok" not in timeline
    assert "b-ok" not in timeline


async def test_the_vantages_own_trouble_stands_first(tmp_path: Path) -> None:
    write(tmp_path, verdicts("...oo", NOW - timedelta(minutes=50)))
    with Journal(tmp_path) as journal:
        detail = {"state": "offline"}
        journal.event(Event(at=NOW, event="health", vantage=HERE.id, detail=detail))
    async with page(tmp_path) as client:
        first = unescape(await get(client, "/"))
        events = await get(client, "/events?event=health")
    assert "</strong>: offline since 2017-07-18 12:30 UTC" in first
    assert "its own network is not well" in first
    assert "before: ok" in first
    assert "state: offline" in events


async def test_old_results_are_called_old(tmp_path: Path) -> None:
    write(tmp_path, verdicts("...", DAY))
    async with page(tmp_path) as client:
        assert "The newest verdict is 12 h 10 min old" in unescape(await get(client, "/"))
    async with page(tmp_path, now=NOW + timedelta(days=400)) as client:
        first = await get(client, "/")
        assert "The newest results are of 2017-07-18" in first
        assert "/?until=2017-07-19T00" in links(first, r"/\?until")


@pytest.mark.parametrize("path", ["/", "/month", "/events", "/downloads", f"/hour/{HOUR}"])
async def test_an_empty_and_a_vanished_folder_are_no_errors(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    async with page(folder) as client:
        await get(client, path)
        shutil.rmtree(folder)
        text = await get(client, path)
        if path in {"/", "/month"}:
            assert "There is no results folder any more." in text


async def test_what_is_written_meanwhile_is_shown(tmp_path: Path) -> None:
    async with page(tmp_path) as client:
        first = await client.get("/")
        assert "There are no results yet" in first.text
        write(tmp_path, verdicts("b", NOW - timedelta(minutes=5)))
        tag = {"If-None-Match": first.headers["etag"]}
        second = await client.get("/", headers=tag)
        assert second.status_code == 200
        assert "blocked 1" in second.text
        tag = {"If-None-Match": second.headers["etag"]}
        assert (await client.get("/", headers=tag)).status_code == 304


async def test_the_page_keeps_itself_fresh_unless_it_is_held(tmp_path: Path) -> None:
    write(tmp_path, verdicts(".", DAY))
    async with page(tmp_path) as client:
        first = await get(client, "/")
        assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in first
        (still,) = links(first, r"/\?still")
        for path in (still, "/?until=2017-07-18T05", f"/hour/{HOUR}"):
            assert "refresh" not in await get(client, path)


async def test_many_features_are_paged_and_what_fails_comes_first(tmp_path: Path) -> None:
    for number in range(ROWS + 20):
        write(tmp_path, verdicts(".", DAY, service=f"service-{number:03}"))
    write(tmp_path, verdicts("b", DAY, service="zebra"))
    async with page(tmp_path) as client:
        first = await get(client, "/")
        names = re.findall(r'class="name"><bdi>([^<]+)', first)
        assert (len(names), names[0]) == (ROWS, "zebra")
        second = await get(client, "/?page=1")
        rest = re.findall(r'class="name"><bdi>([^<]+)', second)
        assert len({*names, *rest}) == ROWS + 21
        for odd in ("-1", "9999999999999", "x", "", "99"):
            await get(client, f"/?page={odd}")
        only = await get(client, "/?service=zebra")
        assert re.findall(r'class="name"><bdi>([^<]+)', only) == ["zebra"]


WRONG = (
    "/?until=x",
    "/?until=2017-13-01",
    "/?until=0001-01-01",
    "/?until=9999-12-31T23",
    "/?service=" + "x" * 3000,
    "/feature",
    "/feature?service=a",
    "/hour/now",
    "/hour/2017-07-18T25",
    "/export/verdicts.csv?outcome=fine",
    "/export/verdicts.csv?since=2017-07-19&until=2017-07-18",
    "/month?until=%00",
    "/verdict/x/y",
)
ASTRAY = (
    "/export/verdicts.exe",
    "/export/secrets.csv",
    "/static/x",
    "/static/..%2f..%2fapp.py",
    "/static/%2e%2e/%2e%2e/etc/passwd",
    f"/verdict/{HOUR}/..%2f..%2fx",
    f"/measurement/{HOUR}/x",
    f"/measurement/{HOUR}/..%2f..%2f..%2fetc%2fpasswd",
    f"/measurement/{HOUR}/x.json",
    "/objects/" + "0" * 64,
    "/probe.yaml",
    "/%00",
    f"/verdict/{HOUR}/%ed%b3%a4",
)


@pytest.mark.parametrize(
    ("path", "status"), [*((p, 400) for p in WRONG), *((p, 404) for p in ASTRAY)]
)
async def test_what_cannot_be_asked_is_told_in_a_line(
    tmp_path: Path, path: str, status: int
) -> None:
    (tmp_path / "secret.jsonl").write_text("secret")
    blocked(tmp_path)
    async with page(tmp_path) as client:
        text = await get(client, path, status)
    assert "<h1>" in text
    assert "secret" not in text
    assert str(tmp_path) not in text


class Strict(HTMLParser):
    """Collects the elements of a page, and fails where they are not nested."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self._open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in {"meta", "link", "input"}:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag


@pytest.mark.parametrize("text", [one.replace("\ud800", "") for one in HOSTILE])
async def test_texts_from_outside_are_texts(tmp_path: Path, text: str) -> None:
    vantage = replace(HERE, id=text)
    target = Target(id=text, service=text, feature=text, url=f"https://x.example/{text}")
    made = replace(
        measured("https", [step("connect", 1, text, address=text, header=text)], target=target),
        vantage=vantage,
        id=uuid7(DAY),
        followup=text,
        check=text,
        invalid=text,
    )
    more = {"vantage": vantage, "service": text, "feature": text, "note": text, "url": text}
    target_verdict = {"target": text, "mechanism": text, "evidence": (made.id,), **more}
    write(tmp_path, verdicts("b", DAY, **target_verdict))
    write(tmp_path, verdicts("b", DAY, policy=text, rule=text, evidence=(made.id,), **more))
    with Journal(tmp_path) as journal:
        journal.measurement(made)
        detail = {"state": text, "target": text}
        journal.event(Event(at=DAY, event="health", vantage=text, detail=detail))
        journal.event(Event(at=DAY, event=text, vantage=text, detail={text: text}))
    async with page(tmp_path) as client:
        paths = ["/", "/month", "/events", "/downloads"]
        for start in ("/feature", "/hour/", "/verdict/", "/measurement/"):
            known = [await get(client, path) for path in paths]
            paths += sorted({link for one in known for link in links(one, start)})[:6]
        for path in dict.fromkeys(paths):
            if path.endswith(".json"):
                continue
            shown = Strict()
            shown.feed(await get(client, path))
            assert shown.elements <= ALLOWED, path
            assert not {name for name in shown.attributes if name.startswith("on")}
            assert "style" not in shown.attributes
    assert any("/measurement/" in path for path in paths)


ALLOWED = {
    *("html", "head", "meta", "title", "link", "noscript", "script", "body", "header", "main"),
    *(
        "footer",
        "nav",
        "section",
        "h1",
        "h2",
        "p",
        "a",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "table",
    ),
    *(
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "span",
        "small",
        "strong",
        "bdi",
        "code",
        "pre",
    ),
    *("details", "summary", "svg", "rect", "form", "label", "input", "select", "option", "button"),
}


async def test_a_selection_is_the_same_as_probe_export_gives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked(tmp_path)
    write(tmp_path, verdicts("..", DAY, target="other"))
    for kind, options in (("measurements", []), ("verdicts", ["--verdicts"])):
        for form in ("csv", "json", "jsonl"):
            asked = f"/export/{kind}.{form}?since=2017-07-18&until=2017-07-19&target=shop"
            given = ["--since", "2017-07-18", "--until", "2017-07-19", "--target", "shop"]
            main(["export", "--results", str(tmp_path), "--format", form, *given, *options])
            async with page(tmp_path) as client:
                answer = await client.get(asked)
            assert answer.text == capsys.readouterr().out, (kind, form)
            assert answer.headers["content-disposition"].endswith(f'"probe-{kind}.{form}"')


async def test_a_selection_may_be_empty_and_is_whole(tmp_path: Path) -> None:
    blocked(tmp_path)
    async with page(tmp_path) as client:
        rows = list(
            csv.reader(io.StringIO(await get(client, "/export/measurements.csv?outcome=ok")))
        )
        assert rows == [list(COLUMNS)]
        assert json.loads(await get(client, "/export/verdicts.json?service=none")) == []
        many = await get(client, "/export/verdicts.jsonl?service=shop&feature=web&vantage=sh-1")
        assert len(many.splitlines()) == 1


async def test_every_outcome_has_its_own_letter_and_meaning() -> None:
    assert len(set(words.SIGNS.values())) == len(words.SIGNS) == len(words.MEANINGS)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "less than a minute"),
        (61, "1 min"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (86400, "1 day"),
        (90000, "1 day 1 h"),
        (86400 * 2, "2 days"),
        (86400 * 12 + 7200, "12 days"),
    ],
)
def test_how_long_is_said_in_two_units(seconds: float, said: str) -> None:
    assert words.span(seconds) == said
