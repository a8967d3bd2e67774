"""The real control helper, running in the control's namespace; several, each of its own kind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lab.network import Lab
from lab.places import CONTROL, DECOY, TRUSTED, TRUSTED_NAME
from lab.running import python
from lab.servers import CONTROL_NAME, Servers

TOKEN: Final = "a-token-of-the-laboratory"
_API: Final = 8443  # the first helper's port
_DECOYS: Final = 443  # the first decoy's
_ECHO: Final = 7007


@dataclass(frozen=True)
class Helper:
    """What a probe's configuration says of a control."""

    url: str
    ca_file: Path
    decoys: tuple[str, ...] = field(default=())

    def configured(self) -> dict[str, str]:
        """One entry of the section ``controls``; the token is in PROBE_CONTROL_TOKEN."""
        return {"url": self.url, "token_env": "PROBE_CONTROL_TOKEN", "ca_file": str(self.ca_file)}


def absent_helper(servers: Servers) -> Helper:
    """A control that is configured and does not run."""
    return Helper(f"https://{CONTROL_NAME}:{_API - 1}", servers.ca_file)


def start_helper(
    lab: Lab,
    servers: Servers,
    number: int = 0,
    decoy_ports: int = 8,
    options: Mapping[str, Any] | None = None,
    **control: Any,
) -> Helper:
    """Start ``probe control`` and wait until it listens; Failed has its log.

    ``number`` tells several helpers apart: ports of their own. ``decoy_ports``: so many independent
    places for residual blocking, on consecutive ports. ``options`` replace whole sections of the
    configuration (vantage, anchors, …), and ``control`` keys of its section ``control``.
    """
    servers.authority.context(CONTROL_NAME, "valid")
    pem = str(servers.ca_file.parent / f"{CONTROL_NAME}-valid.pem")
    first = _DECOYS + 100 * number
    decoys = tuple(f"{DECOY}:{first + port}" for port in range(decoy_ports))
    section = {
        "listen": f"{CONTROL}:{_API + number}",
        "decoy": list(decoys),
        "echo": f"{DECOY}:{_ECHO + number}",
        "cert": pem,
        "key": pem,
        "token_env": "PROBE_CONTROL_TOKEN",
    }
    configuration = {
        "vantage": {"id": "lab-control", "country": "FR", "asn": 12876, "network": "datacenter"},
        "resolvers": [f"tls://{TRUSTED_NAME}:853#addresses={TRUSTED}"],
        "anchors": {"international": []},
        "tls": {"ca_file": str(servers.ca_file)},
        "control": section | control,
        **(options or {}),
    }
    path = lab.folder / f"control-{number}.yaml"
    path.write_text(json.dumps(configuration))  # JSON is YAML
    environment = ("env", f"PROBE_CONTROL_TOKEN={TOKEN}")
    command = (*environment, *python("probe", "control", "-c", str(path)))
    started = lab.program("control", *command)
    lab.wait_for("control", started, [(CONTROL, _API + number), (DECOY, first)])
    return Helper(f"https://{CONTROL_NAME}:{_API + number}", servers.ca_file, decoys)
