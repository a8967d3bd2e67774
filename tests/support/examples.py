"""One of each built-in check, for what is true of all of them."""

import base64
from typing import Any, Final

from probe.checks import Check, load

HOST: Final = "a.example"
# Options without which a check cannot be made.
NEEDED: Final[dict[str, dict[str, Any]]] = {
    "wireguard": {"public_key": base64.b64encode(bytes([9]) + bytes(31)).decode()},
}


def example(name: str, **options: Any) -> Check:
    """This check of a host, on its usual port."""
    kind = load()[name]
    given = {"host": HOST, "port": kind.default_port or 1, **NEEDED.get(name, {}), **options}
    check: Check = kind(**given)
    return check
