"""Parses JSON Lines by OONI's own parser, in an environment of its own, and says what it kept.

Standard input holds the lines; standard output one JSON list with an object for each.
"""

import json
import sys

from oonidata.dataclient import load_measurement

LAYERS = ("queries", "tcp_connect", "tls_handshakes", "requests", "network_events")


def kept(line: str) -> dict[str, object]:
    """The parsed class, and what is in each layer of it."""
    msmt = load_measurement(msmt=json.loads(line))
    keys = msmt.test_keys
    found = {name: getattr(keys, name, None) or [] for name in LAYERS}
    return {
        "class": type(msmt).__name__,
        "input": msmt.input,
        "probe_cc": msmt.probe_cc,
        "layers": {name: len(entries) for name, entries in found.items()},
        "answers": [
            answer.ipv4 or answer.ipv6 for q in found["queries"] for answer in q.answers or []
        ],
        "resolved": [query.failure for query in found["queries"]],
        "connected": [[c.ip, c.port, c.status.success] for c in found["tcp_connect"]],
        "handshakes": [
            [h.address, h.server_name, h.tls_version, h.failure, len(h.peer_certificates or [])]
            for h in found["tls_handshakes"]
        ],
        "responses": [
            [r.request.url, r.response.code if r.response else None, _text(r)]
            for r in found["requests"]
        ],
        "operations": [event.operation for event in found["network_events"]],
        "transactions": sorted({c.transaction_id for c in found["tcp_connect"]}),
    }


def _text(request: object) -> str | None:
    body = getattr(getattr(request, "response", None), "body_bytes", None)
    return body.decode("utf-8", "replace") if body else None


if __name__ == "__main__":
    json.dump([kept(line) for line in sys.stdin if line.strip()], sys.stdout)
