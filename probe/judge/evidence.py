"""What a verdict rests on, and the questions that rules ask of it."""

import ipaddress
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from probe.core.address import is_local
from probe.core.model import Measurement
from probe.judge.deciding import Deciding, deciding, lookups
from probe.judge.vantage import VantageState, vantage_state


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One cycle of one target: its trials, oldest first, and the anchors that count for it.

    ``anchors`` may hold several rounds: one from before the failure, one from after it.
    """

    trials: tuple[Measurement, ...]
    anchors: tuple[Measurement, ...] = ()

    @cached_property
    def trial(self) -> Measurement:
        """The trial that decides: the first that succeeded, else the last."""
        for trial in self.trials:
            decided = deciding(trial)
            if trial.invalid is None and decided and decided.succeeded:
                return trial
        return self.trials[-1]

    @cached_property
    def decided(self) -> Deciding | None:
        """The deciding transaction of that trial."""
        return deciding(self.trial)

    @property
    def failure(self) -> str | None:
        """The name of what failed, if something did."""
        return self.decided.failed.failure if self.decided and self.decided.failed else None

    @property
    def errno(self) -> str | None:
        """The kernel's own name of the error, where the failed step tells it."""
        return (
            self.decided.failed.detail.get("errno")
            if self.decided and self.decided.failed
            else None
        )

    @property
    def vantage(self) -> VantageState:
        """The state of the vantage's network around these trials."""
        return vantage_state(self.anchors)

    @property
    def local(self) -> bool:
        """Whether the target, as it was configured, is in the vantage's own network.

        Then its failures do not depend on the vantage's line, and the anchors say nothing.
        """
        if self.trial.check == "dns":
            return False
        if is_local(urlsplit(self.trial.target.url).hostname or ""):
            return True
        pinned = lookups(self.trial) is None
        hosts = [_ip(step.address) for step in self.trial.steps if step.address]
        return pinned and bool(hosts) and all(is_local(host) for host in hosts)

    @property
    def only_ipv6(self) -> bool:
        """Whether every address that was tried is an IPv6 one."""
        if self.decided is None or self.decided.lookup:
            return False
        tried = [
            s.address
            for s in self.trial.steps
            if s.op == "connect" and not s.detail.get("resolver")
        ]
        return bool(tried) and all(":" in _ip(address or "") for address in tried)


def _ip(address: str) -> str:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host
