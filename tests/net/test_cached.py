"""probe.net.cached: documents that are fetched again only when they have changed."""

import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from probe.net import web
from probe.net.cached import KEPT, Cache
from probe.net.web import WebError

TAG = '"v1"'


class Server(ThreadingHTTPServer):
    """Gives a body with a tag and a date, or "not modified" to who names either."""

    daemon_threads = True
    body = b"one"
    tag: str | None = TAG
    modified: str | None = None
    asked: list[dict[str, str]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/events.csv?key=secret"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, headers = self.server, dict(self.headers.items())
        server.asked.append(headers)
        known = (headers.get("If-None-Match"), headers.get("If-Modified-Since"))
        fresh = known == (server.tag, server.modified) and any(known)
        self.send_response(304 if fresh else 200)
        if server.tag:
            self.send_header("ETag", server.tag)
        if server.modified:
            self.send_header("Last-Modified", server.modified)
        self.end_headers()
        if not fresh:
            self.wfile.write(server.body)

    def log_message(self, *told: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(web, "_PAUSE", 0.0)
    with Server(("127.0.0.1", 0), Handler) as one:
        one.asked = []
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def fetched(cache: Cache, server: Server) -> bytes:
    copy = cache.fetch(server.url, limit=1000)
    assert not copy.stale
    return copy.body


def test_what_has_not_changed_is_not_sent_again(cache: Cache, server: Server) -> None:
    assert fetched(cache, server) == b"one"
    server.body = b"would be another"
    assert fetched(cache, server) == b"one"
    assert "If-None-Match" not in server.asked[0]
    assert server.asked[1]["If-None-Match"] == TAG


def test_a_date_does_as_well_as_a_tag(cache: Cache, server: Server) -> None:
    server.tag, server.modified = None, "Tue, 18 Jul 2017 00:00:00 GMT"
    assert [fetched(cache, server), fetched(cache, server)] == [b"one", b"one"]
    assert server.asked[1]["If-Modified-Since"] == server.modified


def test_what_has_changed_comes_anew(cache: Cache, server: Server) -> None:
    fetched(cache, server)
    server.tag, server.body = '"v2"', b"two"
    assert [fetched(cache, server), fetched(cache, server)] == [b"two", b"two"]


def test_without_the_server_the_copy_is_used_and_said_to_be_one(
    cache: Cache, server: Server
) -> None:
    fetched(cache, server)
    url = server.url
    server.shutdown()
    server.server_close()
    copy = cache.fetch(url, limit=1000)
    assert (copy.body, copy.stale, bool(copy.stored)) == (b"one", True, True)
    with pytest.raises(WebError):
        Cache(Path("/nonexistent")).fetch(url, limit=1000)


@pytest.mark.parametrize("suffix", ["*.body", "*.json"])
def test_a_damaged_copy_is_none(cache: Cache, server: Server, tmp_path: Path, suffix: str) -> None:
    fetched(cache, server)
    (path,) = (tmp_path / "cache").glob(suffix)
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    server.body = b"whole"
    assert fetched(cache, server) == b"whole"
    assert "If-None-Match" not in server.asked[1]


def test_files_are_for_their_owner_alone_and_hold_no_address(
    cache: Cache, server: Server, tmp_path: Path
) -> None:
    fetched(cache, server)
    folder = tmp_path / "cache"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    for path in folder.iterdir():
        assert b"secret" not in path.read_bytes()


def test_the_cache_does_not_grow_without_bound(
    cache: Cache, server: Server, tmp_path: Path
) -> None:
    for number in range(KEPT + 3):
        cache.fetch(f"{server.url}&n={number}", limit=1000)
    assert len(list((tmp_path / "cache").glob("*.json"))) == KEPT
    assert len(list((tmp_path / "cache").glob("*.body"))) == KEPT


def test_a_cache_that_cannot_be_written_does_no_harm(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert fetched(Cache(tmp_path / "file"), server) == b"one"
