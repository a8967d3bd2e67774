"""The envelope of one measurement (ooni/spec df-000): who, when, where, and the layers."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from probe.core.model import JSON, Measurement, Step
from probe.core.times import rfc3339
from probe.judge.deciding import deciding
from probe.show.ooni.events import network_events
from probe.show.ooni.layers import duplicates, handshakes, queries, tcp_connects
from probe.show.ooni.requests import requests

VERSION: Final = "0.2.0"  # of the data format, and of urlgetter: they happen to be the same
TEST: Final = "urlgetter"
_LAYERS: Final = ("dnst", "httpt", "netevents", "tcpconnect", "tlshandshake")
# What urlgetter calls a target of ours: it takes a URL whose scheme is the operation.
_INPUTS: Final = {"dns": "dnslookup", "tcp": "tcpconnect", "tls": "tlshandshake"}
_OPERATIONS: Final = {
    "bootstrap": "resolve",
    "http_request": "http_round_trip",
    "http_response": "http_round_trip",
    "transfer": "read",
}
# Steps that some layer of OONI's shows whole; all others are kept as they are.
_SHOWN: Final = frozenset(
    {"resolve", "extra_answer", "bootstrap", "connect", "http_request", "http_response"}
)
_STEP: Final = ("op", "transaction_id", "address", "t0", "t", "failure", "detail")


def envelope(measurement: Measurement, objects: Callable[[str], bytes | None]) -> dict[str, JSON]:
    """Everything that OONI's format says of one measurement.

    The address of the prober is never told, and neither is its resolver's: both get the values
    that stand for "withheld". Times of day are cut to the second, as OONI does; ``x_probe`` holds
    the exact one, and the times inside count from there.
    """
    vantage, started = measurement.vantage, _seconds(measurement.started)
    return {
        "annotations": {},
        "data_format_version": VERSION,
        "extensions": dict.fromkeys(_LAYERS, 0),
        "input": _input(measurement.target.url),
        "measurement_start_time": started,
        "options": [],
        "probe_asn": f"AS{vantage.asn or 0}",
        "probe_cc": vantage.country,
        "probe_ip": "127.0.0.1",
        "probe_network_name": "",
        "report_id": "",
        "resolver_asn": "AS0",
        "resolver_ip": "127.0.0.2",
        "resolver_network_name": "",
        "software_name": measurement.software.name,
        "software_version": measurement.software.version,
        "test_helpers": {},
        "test_keys": _test_keys(measurement, objects),
        "test_name": TEST,
        "test_runtime": max((step.t for step in measurement.steps), default=0.0),
        "test_start_time": started,
        "test_version": VERSION,
        "x_probe": _own(measurement),
    }


def _test_keys(measurement: Measurement, objects: Callable[[str], bytes | None]) -> dict[str, JSON]:
    steps = measurement.steps
    decided = deciding(measurement)
    failed = decided.failed if decided else None
    return {
        "agent": "redirect",
        "failed_operation": _OPERATIONS.get(failed.op, failed.op) if failed else None,
        "failure": failed.failure if failed else None,
        "queries": queries(steps),
        "tcp_connect": tcp_connects(steps),
        "tls_handshakes": handshakes(steps, objects),
        "requests": requests(steps, objects),
        "network_events": network_events(steps),
        "x_dns_duplicate_responses": duplicates(steps),
    }


def _own(measurement: Measurement) -> dict[str, JSON]:
    """What OONI's format has no place for: the measurement's own words, and no verdict."""
    return {
        "schema": measurement.schema,
        "id": measurement.id,
        "run": measurement.run,
        "cycle": measurement.cycle,
        "started": rfc3339(measurement.started),
        "vantage": measurement.vantage.id,
        "network": measurement.vantage.network,
        "service": measurement.target.service,
        "feature": measurement.target.feature,
        "target": measurement.target.id,
        "url": measurement.target.url,
        "check": measurement.check,
        "trial": measurement.trial,
        "origin": measurement.origin,
        "role": measurement.role,
        "followup_of": measurement.followup_of,
        "followup": measurement.followup,
        "covered": measurement.covered,
        "invalid": measurement.invalid,
        "steps": [_whole(step) for step in measurement.steps if step.op not in _SHOWN],
    }


def _whole(step: Step) -> dict[str, JSON]:
    value: dict[str, JSON] = msgspec.to_builtins(step)
    value["transaction_id"] = step.transaction
    return {key: value[key] for key in _STEP}


def _input(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme not in _INPUTS:
        return url
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if scheme == "tls" and not re.search(r":\d+$", place):
        place = f"{place}:443"
    return f"{_INPUTS[scheme]}://{place}"


def _seconds(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
