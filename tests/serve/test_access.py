"""Who may look: names, tokens, sessions, other sites; and what a browser is told to forbid."""

from pathlib import Path

import httpx
import pytest
from support.local_page import BASE, NOW, Steady, page, verdicts, write
from support.virtual import DAY

from probe.serve.access import COOKIE, PAUSE, SESSION, TRIES

TOKEN = "correct-horse-battery"
HTML = {"Accept": "text/html"}
FOREIGN = (
    "rebound.example",
    "rebound.example:8480",
    "127.0.0.1.rebound.example",
    "",
    "a b",
    "localhost.example",
    "[::1",
    "[127.0.0.1]",
    "127.0.0.1@x",
    "127.0.0.1:80:80",
)
OURS = ("127.0.0.1", "127.0.0.1:8480", "localhost:9", "LOCALHOST", "[::1]:8480", "192.0.2.7:8480")


@pytest.mark.parametrize("host", FOREIGN)
async def test_a_name_that_points_here_is_refused(tmp_path: Path, host: str) -> None:
    async with page(tmp_path) as client:
        answer = await client.get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert "shop" not in answer.text


@pytest.mark.parametrize("host", OURS)
async def test_an_address_is_no_name(tmp_path: Path, host: str) -> None:
    async with page(tmp_path) as client:
        assert (await client.get("/", headers={"Host": host})).status_code == 200


async def test_a_name_may_be_allowed_and_two_hosts_never(tmp_path: Path) -> None:
    async with page(tmp_path, names=frozenset({"probe.example"})) as client:
        assert (await client.get("/", headers={"Host": "Probe.example:1"})).status_code == 200
        two = [("Host", "127.0.0.1"), ("Host", "rebound.example")]
        assert (await client.get("/", headers=two)).status_code == 421


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/page.css", "/export/verdicts.csv"])
async def test_every_answer_carries_what_protects_it(tmp_path: Path, path: str) -> None:
    async with page(tmp_path) as client:
        headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == ("no-cache" if "static" in path else "no-store")
    assert "server" not in headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_site_may_link_here_and_embed_nothing(tmp_path: Path, site: str) -> None:
    async with page(tmp_path) as client:
        link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        assert (await client.get("/", headers=link)).status_code == 200
        embedded = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
        assert (await client.get("/", headers=embedded)).status_code == 403
        own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
        assert (await client.get("/", headers=own)).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_nothing_can_be_changed(tmp_path: Path, method: str) -> None:
    async with page(tmp_path) as client:
        for path in ("/", "/events", "/export/verdicts.csv", "/static/page.css"):
            assert (await client.request(method, path)).status_code == 405
        assert (await client.request("HEAD", "/")).status_code == 200


PRIVATE = (
    "/",
    "/month",
    "/feature?vantage=a&service=b&feature=c",
    "/hour/2017-07-18T01",
    "/verdict/2017-07-18T01/x",
    "/measurement/2017-07-18T01/x",
    "/events",
    "/downloads",
    "/export/verdicts.csv",
    "/export/measurements.json",
    "/nothing",
    "//login",
    "/static/../",
    "/loginx/../events",
    "/LOGIN",
)


@pytest.mark.parametrize("path", PRIVATE)
async def test_without_the_token_nothing_is_shown(tmp_path: Path, path: str) -> None:
    write(tmp_path, verdicts("b", DAY))
    async with page(tmp_path, token=TOKEN) as client:
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        wrong = [f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer \u00e9"]
        for header in wrong[:TRIES]:
            headers = {"Authorization": header.encode()}
            assert (await client.get(path, headers=headers)).status_code == 401
        seen = await client.get(path, headers=HTML)
        assert seen.status_code == 303
        assert seen.headers["location"].startswith("/login?next=%2F")
    assert "shop" not in answer.text + seen.text


async def test_the_token_opens_as_bearer(tmp_path: Path) -> None:
    async with page(tmp_path, token=TOKEN) as client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/export/verdicts.csv", headers=headers)).status_code == 200


async def test_a_sign_in_becomes_a_cookie_that_ends(tmp_path: Path) -> None:
    steady = Steady()
    async with page(tmp_path, token=TOKEN, steady=steady) as client:
        answer = await client.post("/login", data={"token": f" {TOKEN}\n", "next": "/events?a=1"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/events?a=1")
        cookie = answer.headers["set-cookie"]
        assert TOKEN not in cookie
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        shown = await client.get("/")
        assert shown.status_code == 200
        assert TOKEN not in shown.text
        assert "Sign out" in shown.text
        steady.seconds = SESSION - 1
        assert (await client.get("/")).status_code == 200
        steady.seconds = SESSION + 1
        assert (await client.get("/")).status_code == 401


async def test_a_made_up_cookie_opens_nothing(tmp_path: Path) -> None:
    async with page(tmp_path, token=TOKEN) as client:
        await client.post("/login", data={"token": TOKEN})
        ends, _, sign = client.cookies[COOKIE].partition(".")
        client.cookies.clear()
        for value in (
            f"{int(ends) + 1}.{sign}",
            f"{ends}.{sign[:-1]}",
            ends,
            "",
            ".",
            f"{TOKEN}",
            "nan.0",
            "\u00e9.\u00e9",
        ):
            headers = {"Cookie": f"{COOKIE}={value}".encode()}
            assert (await client.get("/", headers=headers)).status_code == 401, value
    async with page(tmp_path, token=TOKEN) as client:  # started anew
        headers = {"Cookie": f"{COOKIE}={ends}.{sign}"}
        assert (await client.get("/", headers=headers)).status_code == 401


async def test_signing_out_ends_it_in_the_browser(tmp_path: Path) -> None:
    async with page(tmp_path, token=TOKEN) as client:
        await client.post("/login", data={"token": TOKEN})
        assert (await client.post("/logout")).headers["location"] == "/login"
        assert (await client.get("/")).status_code == 401


async def test_wrong_tokens_have_to_wait(tmp_path: Path) -> None:
    steady = Steady()
    async with page(tmp_path, token=TOKEN, steady=steady) as client:
        for _ in range(TRIES):
            answer = await client.post("/login", data={"token": "wrong" * 5})
            assert answer.status_code == 403
            assert "wrongwrong" not in answer.text
        answer = await client.post("/login", data={"token": TOKEN})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/", headers=bearer)).status_code == 429
        steady.seconds = PAUSE + 1
        assert (await client.post("/login", data={"token": TOKEN})).status_code == 303


AWAY = (
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "javascript:1",
    "",
    "/\r\nx",
    "/" + "x" * 9000,
)


@pytest.mark.parametrize("then", AWAY)
async def test_a_sign_in_leads_nowhere_else(tmp_path: Path, then: str) -> None:
    async with page(tmp_path, token=TOKEN) as client:
        if len(then) < 4000:
            answer = await client.post("/login", data={"token": TOKEN, "next": then})
            assert answer.headers["location"] == "/"
        form = await client.get("/login", params={"next": then})
        assert 'value="/"' in form.text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", f"{BASE}.evil.example"])
async def test_another_site_cannot_sign_in_here(tmp_path: Path, origin: str) -> None:
    async with page(tmp_path, token=TOKEN) as client:
        sent = {"token": TOKEN}
        answer = await client.post("/login", data=sent, headers={"Origin": origin})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        own = await client.post("/login", data=sent, headers={"Origin": BASE})
        assert own.status_code == 303


async def test_a_sign_in_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    async with page(tmp_path, token=TOKEN) as client:
        answer = await client.post("/login", content=b"token=" + b"x" * 5000)
        assert answer.status_code == 413
        many = "&".join(f"a{number}=1" for number in range(200))
        assert (await client.post("/login", content=many)).status_code in {400, 403}


async def test_where_no_token_is_asked_for_there_is_no_sign_in(tmp_path: Path) -> None:
    async with page(tmp_path, now=NOW) as client:
        assert (await client.get("/login")).status_code == 404
        assert (await client.post("/login", data={"token": "x"})).status_code == 404
        answer: httpx.Response = await client.get("/")
        assert "Sign out" not in answer.text
