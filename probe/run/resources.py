"""What this machine lets the process have: open files, and how much memory it takes."""

import os
import resource
from pathlib import Path
from typing import Final

from probe.plan.jobs import Plan

_OWN: Final = 64  # files that are open whatever is measured: results, logs, the loop, libraries
_FEW: Final = 1024  # what Linux gives where nobody asks for more
_STATM: Final = Path("/proc/self/statm")


def raise_open_files() -> int:
    """Raise the limit on open files as far as is allowed; what it is then."""
    try:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    except (OSError, ValueError):  # a sandbox may forbid even the question
        return _FEW
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return soft
    return hard if hard != resource.RLIM_INFINITY else 2**31


def cycles_for(plan: Plan, files: int) -> int:
    """How many cycles of a plan can be under way with so many open files; at least one.

    A cycle may have a connection to each address at once, and sockets at each resolver that wait
    for a second answer; a round of anchors comes on top.
    """
    resolvers = max((len(job.resolvers) for job in plan.jobs), default=1)
    each = plan.max_addresses + 2 * resolvers
    free = files - _OWN - each * (len(plan.anchors) + 1)
    return max(1, free // each)


def resident() -> int:
    """Bytes of memory that the process holds; 0 where the system does not say."""
    try:
        pages = int(_STATM.read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
