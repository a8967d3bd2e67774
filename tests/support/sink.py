"""A web server on this machine that takes what is posted to it, refuses it, or never answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Sink:
    """``got`` is what came, ``status`` the answer (None: none until ``release``)."""

    def __init__(self, status: int | None) -> None:
        self.status = status
        self.got: list[dict[str, Any]] = []
        self.came = threading.Event()
        self.release = threading.Event()
        self.port = 0


@contextmanager
def sink(status: int | None = 200) -> Iterator[Sink]:
    """A server for as long as the context lasts."""
    found = Sink(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            found.came.set()
            if found.status is None:
                found.release.wait(60)
                return
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield found
        finally:
            found.release.set()
            server.shutdown()
            thread.join()
