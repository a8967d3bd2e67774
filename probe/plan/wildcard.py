"""A name that cannot exist: who answers for it answers for every name."""

import secrets
import string
from dataclasses import replace
from typing import TYPE_CHECKING

from probe.checks.dns import DnsCheck

if TYPE_CHECKING:
    from probe.plan.jobs import Job

_LETTERS, _UNDER = 32, ".com"
RANDOM_NAME = f"<{_LETTERS} random letters>{_UNDER}"  # what a plan can say of a name to be drawn


def drawn(wildcard: "Job") -> "Job":
    """A plan's ``wildcard`` with a name in it that nobody has registered, nor asked for before."""
    name = "".join(secrets.choice(string.ascii_lowercase) for _ in range(_LETTERS)) + _UNDER
    check = DnsCheck(host=name, port=DnsCheck.default_port or 0)
    return replace(wildcard, check=check, target=replace(wildcard.target, url=f"dns://{name}"))
