"""What differs between two plans, and whether a running probe can go over to the new one."""

from dataclasses import dataclass

from probe.core.address import Endpoint
from probe.plan.jobs import Plan


class ReloadRefusedError(Exception):
    """The new configuration is in order, but needs a restart; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Ids of targets that are new, gone, or measured otherwise than before."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def changes(old: Plan, new: Plan) -> Changes:
    """What changes for each target. Raises ReloadRefusedError."""
    if new.vantage != old.vantage:
        raise ReloadRefusedError(
            "vantage: it stands in every record of a run; to change it, restart the probe"
        )
    if new.results.absolute() != old.results.absolute():
        raise ReloadRefusedError("results: to write into another folder, restart the probe")
    if _listening(new) != _listening(old):
        raise ReloadRefusedError(
            "metrics.listen: to listen elsewhere, or no longer, restart the probe"
        )
    if (new.alerts is None) != (old.alerts is None):
        raise ReloadRefusedError("alerts: to switch them on or off, restart the probe")
    before = {job.target.id: job for job in old.jobs}
    after = {job.target.id: job for job in new.jobs}
    return Changes(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(name for name in after if name in before and after[name] != before[name]),
    )


def _listening(plan: Plan) -> Endpoint | None:
    return plan.metrics.at if plan.metrics else None
