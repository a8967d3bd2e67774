"""A server of the protocol that docs/adding-a-check.md adds."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def whois_server() -> Iterator[int]:
    """Answers one line on loopback and closes; gives its port."""

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if question := self.rfile.readline():
                self.wfile.write(b"domain: " + question.upper())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
