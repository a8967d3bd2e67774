"""The section ``limits`` of a configuration: what a running probe may take, here and elsewhere."""

from pydantic import Field

from probe.core.units import Size
from probe.plan.section import Strict


class LimitsSection(Strict):
    """How much at once, how much per minute, and what this machine must have left.

    ``at_once`` cycles are under way in all, ``per_host`` at one IP address. ``per_minute``
    connections and first datagrams go to one IP address, ``in_all`` to all together. ``memory`` is
    the resident size above which the probe ends itself, ``disk_free`` the room below which it
    measures nothing; null is 200 MiB, or two percent of the disk where that is less.
    """

    at_once: int = Field(default=64, ge=1, le=4096, strict=True)
    per_host: int = Field(default=2, ge=1, le=4096, strict=True)
    per_minute: int = Field(default=60, ge=1, le=1_000_000, strict=True)
    in_all: int = Field(default=3000, ge=1, le=1_000_000, strict=True)
    memory: Size | None = 320 * 1024**2
    disk_free: Size | None = None
