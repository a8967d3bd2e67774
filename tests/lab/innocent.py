"""What looks like interference and is none, and targets that are simply well.

None of them may ever be called blocked or degraded, on whatever line.
"""

from typing import Any, Final

from lab.places import FRONT
from lab.rules import DnsDuplicate, NullRoute
from lab.scenario import Right, Scenario, certificate

_WELL: Final = Right(("ok",))
# What fails in the same way at the control is down, or cannot be told from a censor there.
_DOWN: Final = Right(("down", "inconclusive"))


def _well(id_: str, **more: Any) -> Scenario:
    return Scenario(id=id_, right=_WELL, **more)


def _down(id_: str, **more: Any) -> Scenario:
    return Scenario(id=id_, right=_DOWN, **more)


WELL: Final = (
    *(_well(f"https-{number}") for number in range(12)),
    *(_well(f"http-{number}", url="http://{name}/") for number in range(6)),
    *(_well(f"dns-{number}", url="dns://{name}") for number in range(4)),
    *(_well(f"tcp-{number}", url="tcp://{name}:443") for number in range(4)),
    *(_well(f"tls-{number}", url="tls://{name}:443") for number in range(4)),
    *(
        _well(f"big-{number}", url="https://{name}/big", options={"transfer": 128 * 1024})
        for number in range(4)
    ),
    _well("ipv6", ipv6=True),
    _well("status-500", site={"status": 500}),
)

LOOKALIKES: Final = (
    _down("switched-off", dark=True),
    _down("switched-off-http", dark=True, url="http://{name}/"),
    _down("switched-off-tcp", dark=True, url="tcp://{name}:443"),
    _down("refuses", site={"https": False}),
    _down("refuses-http", url="http://{name}/", site={"http": False}),
    _down("gone", exists=False),
    _down("gone-lookup", exists=False, url="dns://{name}"),
    _down("gone-http", exists=False, url="http://{name}/"),
    _down("dead-backend", site={"addresses": (FRONT,), "resets": True}),
    _down("expired", site=certificate("expired")),
    _down("wrong-name", site=certificate("wrong_name")),
    _down("self-signed", site=certificate("self_signed")),
    _down("unknown-authority", site=certificate("untrusted")),
    _down("broken", site={"status": 503}, options={"expect": {"status": 200}}),
    # Not innocent, but with every control behind the same wall nobody can say so.
    _down("null-everywhere", by_address=(NullRoute(),), at_control="null"),
    Scenario(
        id="fence-403",
        right=Right(("denied",), "http.error"),
        site={"here_status": 403},
        options={"expect": {"status": 200}},
    ),
    Scenario(
        id="fence-451",
        right=Right(("denied",), "http.error"),
        site={"here_status": 451},
        options={"expect": {"status": 200}},
    ),
    Scenario(
        id="fence-plain",
        right=Right(("denied", "inconclusive", "ok")),
        url="http://{name}/",
        site={"here_status": 403},
    ),
    _well("cdn", site={"control_addresses": ("93.184.250.1",)}),
    _well("cdn-lookup", url="dns://{name}", site={"control_addresses": ("93.184.250.2",)}),
    _well("cdn-http", url="http://{name}/", site={"control_addresses": ("93.184.250.3",)}),
    Scenario(
        id="cdn-node-off",
        right=Right(("inconclusive", "down")),
        dark=True,
        site={"control_addresses": ("93.184.250.4",)},
    ),
    _well("asked-twice", by_name=(DnsDuplicate(),)),
    _well("asked-twice-lookup", by_name=(DnsDuplicate(),), url="dns://{name}"),
)

INNOCENT: Final = (*WELL, *LOOKALIKES)
