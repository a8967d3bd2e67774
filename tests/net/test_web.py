"""probe.net.web: documents over HTTP from a server on this machine, and all that can go wrong."""

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from probe.net.web import TRIES, WebError, fetch

Answer = Callable[["Handler"], None]


class Server(ThreadingHTTPServer):
    """Answers each path as the test says, and remembers what was asked."""

    daemon_threads = True
    paths: dict[str, Answer]
    asked: list[BaseHTTPRequestHandler]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self)
        self.server.paths[self.path](self)

    def log_message(self, *told: object) -> None:
        """Say nothing."""

    def give(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Server(("127.0.0.1", 0), Handler) as one:
        one.paths, one.asked = {}, []
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def at(server: Server, path: str) -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


def no_sleep(seconds: float) -> None:
    """Pass the pauses over."""


def test_a_document_comes_with_redirects_followed_and_the_program_named(server: Server) -> None:
    server.paths["/old"] = lambda to: to.give(status=302, Location="/new")
    server.paths["/new"] = lambda to: to.give(b"reports: []")
    assert fetch(at(server, "/old")) == b"reports: []"
    assert server.asked[-1].headers["User-Agent"].startswith("probe/")


def test_the_limit_is_exact_with_and_without_a_length(server: Server) -> None:
    server.paths["/told"] = lambda to: to.give(b"x" * 100, Content_Length="100")
    server.paths["/untold"] = lambda to: to.give(b"x" * 100)
    for path in server.paths:
        assert len(fetch(at(server, path), limit=100)) == 100
        with pytest.raises(WebError, match="larger than 99 bytes"):
            fetch(at(server, path), limit=99)


def test_an_endless_body_ends_at_the_limit(server: Server) -> None:
    def pour(to: Handler) -> None:
        to.give()
        try:
            while True:
                to.wfile.write(b"x" * 65536)
        except OSError:
            pass

    server.paths["/"] = pour
    with pytest.raises(WebError, match="larger than"):
        fetch(at(server, "/"))
    assert len(server.asked) == 1


def test_what_may_pass_is_tried_again_with_growing_pauses(server: Server) -> None:
    answers = [503, 429]
    pauses: list[float] = []

    def busy(to: Handler) -> None:
        to.give(b"ready", status=answers.pop(0) if answers else 200)

    server.paths["/"] = busy
    assert fetch(at(server, "/"), sleep=pauses.append) == b"ready"
    assert pauses == [0.5, 1.0]


def test_it_gives_up_after_three_tries_and_says_why(server: Server) -> None:
    server.paths["/"] = lambda to: to.give(status=500)
    with pytest.raises(WebError, match=r"the server answered 500 \(3 tries\)"):
        fetch(at(server, "/"), sleep=no_sleep)
    assert len(server.asked) == TRIES


def test_what_will_not_pass_is_tried_once(server: Server) -> None:
    packed = gzip.compress(b"0" * 10_000_000)
    server.paths["/gone"] = lambda to: to.give(status=404)
    server.paths["/empty"] = lambda to: to.give(status=204)
    server.paths["/loop"] = lambda to: to.give(status=301, Location="/loop")
    server.paths["/bomb"] = lambda to: to.give(packed, Content_Encoding="gzip")
    server.paths["/file"] = lambda to: to.give(status=302, Location="file:///etc/passwd")
    for path, told in (
        ("/gone", "the server answered 404"),
        ("/empty", "the server answered 204"),
        ("/loop", "redirects"),
        ("/bomb", "compressed"),
        ("/file", "protocol"),
    ):
        server.asked.clear()
        with pytest.raises(WebError, match=told):
            fetch(at(server, path), sleep=no_sleep)
        assert len(server.asked) == (6 if path == "/loop" else 1)


def test_a_server_that_says_nothing_or_is_not_there_is_one_kind_of_error(server: Server) -> None:
    done = threading.Event()
    server.paths["/"] = lambda to: (done.wait(5), None)[1]
    with pytest.raises(WebError, match="no answer in time"):
        fetch(at(server, "/"), timeout=0.1, sleep=no_sleep)
    done.set()
    with pytest.raises(WebError, match=r"127\.0\.0\.1:1/"):
        fetch("http://127.0.0.1:1/", sleep=no_sleep)


@pytest.mark.parametrize("url", ["http://", "http://[::1", "gopher://127.0.0.1/", "http://a:b/"])
def test_what_is_no_address_is_the_same_kind_of_error(url: str) -> None:
    with pytest.raises(WebError):
        fetch(url, sleep=no_sleep)


def test_a_proxy_that_cannot_be_used_is_the_same_kind_of_error(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(WebError):
        fetch(at(server, "/"), sleep=no_sleep)


def test_a_secret_in_the_address_is_not_told(server: Server) -> None:
    server.paths["/?token=abc"] = lambda to: to.give(status=404)
    url = at(server, "/?token=abc").replace("//", "//me:hidden@")
    with pytest.raises(WebError) as told:
        fetch(url)
    assert "abc" not in str(told.value)
    assert "hidden" not in str(told.value)
