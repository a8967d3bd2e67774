"""What the decoy answers to a request's head: a fixed page, or so many incompressible octets.

No input or output here: bytes in, bytes out (HTTP/1.1, RFC 9112; one request per connection).
"""

import os
import re
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import parse_qs

import h11

from probe.control.sessions import Sessions

PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Connection test page</title>
</head>
<body>
<h1>Connection test page</h1>
<p>This page is served the same to everyone, under every name and over every protocol that this
server speaks. If you can read it, your connection reached the server and the answer came back
complete.</p>
<p>There is nothing else here.</p>
</body>
</html>
"""

_BYTES: Final = re.compile(r"/bytes/([0-9]{1,9})")
_HTML: Final = "text/html; charset=utf-8"
_TEXT: Final = "text/plain; charset=utf-8"
_OCTETS: Final = "application/octet-stream"


class Response(NamedTuple):
    """A response's head, and its body."""

    head: bytes
    body: memoryview


class Pages:
    """Answers requests; transfers only for tokens that ``sessions`` knows."""

    def __init__(self, sessions: Sessions) -> None:
        """Draw the octets that all transfers are cut from: no path can compress them."""
        self._sessions = sessions
        self._noise = memoryview(os.urandom(sessions.bytes_max))

    def respond(self, head: bytes) -> Response:
        """Answer a request's head, which ends with its empty line; any Host will do."""
        connection = h11.Connection(h11.SERVER)
        try:
            connection.receive_data(head)
            request = connection.next_event()
        except h11.RemoteProtocolError:
            return refusal(HTTPStatus.BAD_REQUEST)
        if not isinstance(request, h11.Request):
            return refusal(HTTPStatus.BAD_REQUEST)
        if request.method not in {b"GET", b"HEAD"}:
            return refusal(HTTPStatus.METHOD_NOT_ALLOWED)
        response = self._found(request.target.decode("ascii"))
        return response._replace(body=memoryview(b"")) if request.method == b"HEAD" else response

    def _found(self, target: str) -> Response:
        path, _, query = target.partition("?")
        if path == "/":
            return _response(HTTPStatus.OK, _HTML, memoryview(PAGE.encode()))
        asked = _BYTES.fullmatch(path)
        if asked is None:
            return refusal(HTTPStatus.NOT_FOUND)
        if not self._sessions.allows_token(parse_qs(query).get("token", [""])[0]):
            return refusal(HTTPStatus.FORBIDDEN)
        size = int(asked[1])
        if size > len(self._noise):
            return refusal(HTTPStatus.NOT_FOUND)
        return _response(HTTPStatus.OK, _OCTETS, self._noise[:size])


def refusal(status: HTTPStatus) -> Response:
    """An answer that only says why there is no other."""
    return _response(status, _TEXT, memoryview(f"{status.value} {status.phrase}\n".encode()))


def _response(status: HTTPStatus, kind: str, body: memoryview) -> Response:
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",  # a cache on the path would answer in the decoy's place
        "Connection: close",
    ]
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append("Allow: GET, HEAD")
    return Response("\r\n".join([*lines, "\r\n"]).encode(), body)
