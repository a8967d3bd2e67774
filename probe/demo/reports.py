"""What the demo's newspapers say: one report that the measurements can be held against, one not."""

from datetime import datetime, timedelta
from typing import Any, Final

import yaml

from probe.core.times import rfc3339, utc_day
from probe.demo.world import Change, Target, World

_VAGUE: Final = timedelta(seconds=0.5)  # newspapers are never exact, not even the demo's
_ELSEWHERE: Final = "XE"  # a country that ISO 3166 never assigns, and no vantage is in


def reports(world: World, start: datetime) -> str:
    """A file of reported disruptions, as YAML, about the story that began at ``start`` (aware).

    The first report tells of the first target whose host changes its conduct; the second tells the
    same of a country without a vantage. ValueError if nothing ever changes in the world.
    """
    target, change = _first_change(world)
    onset = start + timedelta(seconds=change.since)
    end = start + timedelta(seconds=change.until)
    service, feature = target.service, target.feature
    here = {
        "id": f"{service}-{feature}-reported",
        "title": f"{service.capitalize()} users cannot send {feature}, while the rest works",
        "country": world.vantage.country,
        **_facts(target, onset, end),
        "sources": [_source("The Embedded Courier", start, f"{feature} fails, other things work")],
    }
    elsewhere = {
        "id": f"{service}-{feature}-elsewhere",
        "title": f"{service.capitalize()} {feature} is said to fail abroad, too",
        "country": _ELSEWHERE,
        **_facts(target, onset, end),
        "sources": [_source("The Overseas Gazette", start, f"{feature} fails there as well")],
    }
    return yaml.safe_dump({"reports": [here, elsewhere]}, sort_keys=False, allow_unicode=True)


def _first_change(world: World) -> tuple[Target, Change]:
    changes = {host.name: host.changes for host in world.hosts}
    for target in world.targets:
        for change in changes.get(target.host, ()):
            return target, change
    raise ValueError("nothing ever changes in this world, so there is nothing to report")


def _facts(target: Target, onset: datetime, end: datetime) -> dict[str, Any]:
    return {
        "asns": [],
        "networks": [],
        "services": [target.service],
        "features": [target.feature],
        "kind": "outage",
        "expects": "fails",
        "timezone": "UTC",
        "onset_earliest": rfc3339(onset - _VAGUE),
        "onset_latest": rfc3339(onset + _VAGUE),
        "end_earliest": rfc3339(end - _VAGUE),
        "end_latest": rfc3339(end + _VAGUE),
        "ongoing": False,
        "status": "resolved",
    }


def _source(publisher: str, at: datetime, says: str) -> dict[str, str]:
    host = publisher.rsplit(maxsplit=1)[-1].lower()
    return {
        "publisher": publisher,
        "date": utc_day(at),
        "url": f"https://{host}.example/reported",
        "says": says,
    }
