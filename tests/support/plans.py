"""Plans and instruments for a scripted network."""

import hashlib
from pathlib import Path
from typing import Any

from support.records import HERE
from support.virtual import VirtualClock

from probe.core.model import Vantage
from probe.measure.measure import Instruments
from probe.net.fake import FakeNetwork
from probe.net.trust import Trust
from probe.plan.config import Config
from probe.plan.jobs import Plan, Planner


def planned(*urls: str, targets: Any = (), vantage: Vantage = HERE, **config: Any) -> Plan:
    """The plan of a configuration; without anchors unless it names some."""
    given = {
        "anchors": {"international": []},
        "targets": [*({"url": url} for url in urls), *targets],
        **config,
    }
    planner = Planner(Config.model_validate(given), Path(), vantage)
    planner.add_config()
    return planner.plan()


def tools(net: FakeNetwork, kept: dict[str, bytes] | None = None, **more: Any) -> Instruments:
    """Instruments on this network and on virtual time; objects go into ``kept``."""
    store = {} if kept is None else kept

    def keep(data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        store[name] = data
        return name

    given = {
        "run": "run",
        "vantage": HERE,
        "net": net,
        "clock": VirtualClock(),
        "trust": Trust(),
        "keep": keep,
        "user_agent": "browser",
    }
    return Instruments(**{**given, **more})
