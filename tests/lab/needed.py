"""What the laboratory needs of a machine; tests without it are skipped, in CI they fail."""

import importlib.util
import os
import shutil
from typing import Final

import pytest
from lab.servers import PATHS

_PROGRAMS: Final = (
    "ip", "ethtool", "iptables", "ip6tables", "nft", "sysctl", "setpriv", "nginx", "unbound"
)  # fmt: skip


def missing() -> str:
    """What is not there, in words; empty if all is."""
    if os.geteuid() != 0:
        return "the laboratory needs root"
    if importlib.util.find_spec("netfilterqueue") is None:
        return "the laboratory needs the package NetfilterQueue (requirements-lab.txt)"
    lacking = [name for name in _PROGRAMS if shutil.which(name, path=PATHS) is None]
    return f"the laboratory needs {', '.join(lacking)}: run 'make servers'" if lacking else ""


laboratory: Final = pytest.mark.skipif(bool(missing()), reason=missing())
