"""The laboratory with every scenario's server in it, and one run of the probe under a setting."""

import json
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from lab.helper import TOKEN, Helper, absent_helper, start_helper
from lab.innocent import INNOCENT
from lab.interference import ANOTHERS, DIVERTED, INTERFERENCE
from lab.latency import Line
from lab.messenger import SERVICE
from lab.messenger import sites as messenger_sites
from lab.network import Lab
from lab.rules import Rule
from lab.running import environment, python
from lab.scenario import Right, Scenario
from lab.servers import Servers, Site, World
from lab.settings import QUARANTINE, Setting
from lab.tunnels import BY_ADDRESS, TUNNELS
from lab.tunnels import start as start_tunnels

from probe.cli.stored import newest
from probe.core.model import Verdict

_SCENARIOS: Final = (*INTERFERENCE, *INNOCENT, *TUNNELS, *BY_ADDRESS, *DIVERTED)
_NUMBER: Final = {scenario.id: number for number, scenario in enumerate(_SCENARIOS)}
_NEUTRAL: Final = "www.example.com"
_ANCHORS: Final = {
    "abroad-1.lab.example": "93.184.1.1",
    "abroad-2.lab.example": ANOTHERS,
    "abroad-3.lab.example": "93.184.2.1",
    "home-1.lab.example": "114.114.1.1",
    "home-2.lab.example": "114.114.2.1",
}
_PORTAL_WORD: Final = "success"
_OFF: Final = "off.lab.example"  # the anchor of a control that has no network
_TIMEOUTS: Final = {
    "dns": "1500ms",
    "connect": "2500ms",
    "tls": "2500ms",
    "first_byte": "2500ms",
    "transfer": "5s",
    "late_answers": "300ms",
}
_PATIENCE: Final = 170.0  # seconds for one run of the probe
_DECOYS: Final = 16
_CODES: Final = {0, 1, 3}  # all well, something is not, the vantage is offline


@dataclass(frozen=True)
class Result:
    """One verdict beside what is right. ``right`` None: anything but an unproven accusation."""

    setting: str
    scenario: Scenario
    seed: int
    right: Right | None
    verdict: Verdict


@dataclass(frozen=True)
class Stage:
    """Everything that runs; ``results`` of each run stay in folders of their own."""

    lab: Lab
    servers: Servers
    helpers: dict[str, Helper]

    def run(self, setting: Setting, seed: int) -> tuple[list[Result], Path]:
        """The probe's verdicts on all of a setting's scenarios, and its results folder."""
        self.lab.line(msgspec.structs.replace(setting.line, seed=seed))
        own = [rule for s in setting.scenarios for rule in s.rules(_NUMBER[s.id])]
        self.lab.censor(*own, *setting.rules)
        results = self.lab.folder / f"results-{setting.id}-{seed}"
        self._probe(setting, self.configuration(setting, seed), results)
        verdicts = newest(results, None, _stopped(setting, results)).values()
        by_target = {verdict.target: verdict for verdict in verdicts if verdict.target}
        return [
            Result(
                setting=setting.id,
                scenario=scenario,
                seed=seed,
                right=setting.right(scenario) if setting.right else None,
                verdict=by_target[scenario.id],
            )
            for scenario in setting.scenarios
        ], results

    def messenger(self, day: str, *rules: Rule) -> dict[str, Verdict]:
        """The verdicts on WhatsApp's features, while the censor does this."""
        self.lab.line(Line())
        self.lab.censor(*rules)
        results = self.lab.folder / f"results-{day}"
        setting = Setting(id=day, scenarios=())
        settings = {**self.configuration(setting, 0), "services": [SERVICE]}
        self._probe(setting, settings, results)
        verdicts = newest(results, None, None).values()
        return {v.feature: v for v in verdicts if v.target is None and v.service == SERVICE}

    def _probe(self, setting: Setting, settings: dict[str, Any], results: Path) -> None:
        path = self.lab.folder / f"probe-{setting.id}.yaml"
        path.write_text(json.dumps(settings))  # JSON is YAML
        words = ["check", str(path), "--format", "json"]
        if setting.schedule:
            words = ["run", "-c", str(path), "--for", f"{setting.schedule[1]}s"]
        words += ["--results", str(results), "--quiet"]
        command = python("lab.public_probe", str(self.servers.ca_file), *words)
        with (self.lab.folder / "probe.log").open("ab") as log:
            run = self.lab.popen(
                "vantage",
                command,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=environment() | {"PROBE_CONTROL_TOKEN": TOKEN, "PROBE_DEBUG": "1"},
            )
            try:
                code = run.wait(_PATIENCE)
            finally:
                run.kill()
        if code not in _CODES:
            told = (self.lab.folder / "probe.log").read_text()[-3000:]
            raise RuntimeError(f"probe check ended with {code}:\n{told}")

    def configuration(self, setting: Setting, seed: int) -> dict[str, Any]:
        """The probe's, with the targets in an order of its own for each seed."""
        targets = [scenario.target() for scenario in setting.scenarios]
        random.Random(seed).shuffle(targets)
        helper = self.helpers[setting.control] if setting.control else None
        return {
            "vantage": {"id": "lab", "country": "RU", "asn": 12389, "network": "residential"},
            "resolvers": [f"udp://{setting.resolver}"],
            "controls": [helper.configured()] if helper else [],
            "anchors": {
                "international": [f"https://{n}/" for n in _ANCHORS if n.startswith("abroad")],
                "domestic": [f"https://{n}/" for n in _ANCHORS if n.startswith("home")],
                "portal": [{"url": "http://abroad-1.lab.example/", "body": _PORTAL_WORD}],
            },
            "tls": {"ca_file": str(self.servers.trust)},
            "confirm": {"quarantine": f"{QUARANTINE:g}s"},
            "followups": {"neutral_name": _NEUTRAL},
            "timeouts": _TIMEOUTS,
            "schedule": {"every": f"{setting.schedule[0]}s"} if setting.schedule else {},
            "targets": targets,
        }


def _stopped(setting: Setting, results: Path) -> datetime | None:
    """When a scheduled run was told to stop: cycles that were cut off then are no test of rules."""
    if setting.schedule is None:
        return None
    with (results / "events.jsonl").open() as lines:
        started = datetime.fromisoformat(json.loads(next(lines))["at"])
    return started + timedelta(seconds=setting.schedule[1])


def _world() -> World:
    sites = [scenario.website(number) for number, scenario in enumerate(_SCENARIOS)]
    anchors = [Site(names=(n,), addresses=(ip,), body=_PORTAL_WORD) for n, ip in _ANCHORS.items()]
    off = Site(names=(_OFF,), addresses=("93.184.200.250",))
    neutral = Site(names=(_NEUTRAL,), addresses=("93.184.3.1",))
    return World(sites=(*sites, *anchors, off, neutral, *messenger_sites()))


def _shut_to_control(lab: Lab) -> None:
    """What stands on the control's own way to a server, at the server's end."""
    for number, scenario in enumerate(_SCENARIOS):
        rule = ["iptables", "-w", "-A", "INPUT", "-s", "51.15.0.0/16"]
        if scenario.at_control == "null":
            lab.run("internet", *rule, "-d", scenario.address(number), "-j", "DROP")
        elif scenario.at_control == "sni":
            match = ["-p", "tcp", "-m", "string", "--algo", "bm", "--string", scenario.name()]
            lab.run("internet", *rule, *match, "-j", "REJECT", "--reject-with", "tcp-reset")


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Build everything; it is gone when this ends."""
    with Lab(folder) as lab:
        servers = Servers(lab, _world())
        _shut_to_control(lab)
        start_tunnels(lab, servers, ((_NUMBER[s.id], s) for s in (*TUNNELS, *BY_ADDRESS)))
        well = {"international": [f"https://{n}/" for n in _ANCHORS if n.startswith("abroad")]}
        ample = {"rate": 100_000, "parallel": 64}
        good = start_helper(lab, servers, 0, _DECOYS, {"anchors": {**well, "portal": []}}, **ample)
        offline = start_helper(
            lab, servers, 1, 1, {"anchors": {"international": [f"https://{_OFF}/"]}}, **ample
        )
        vantage = {"id": "lab-compatriot", "country": "RU", "asn": 8359, "network": "datacenter"}
        compatriot = start_helper(
            lab, servers, 2, _DECOYS, {"anchors": well, "vantage": vantage}, **ample
        )
        helpers = {
            "good": good,
            "down": absent_helper(servers),
            "offline": offline,
            "compatriot": compatriot,
        }
        yield Stage(lab, servers, helpers)
