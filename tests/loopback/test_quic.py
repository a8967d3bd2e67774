"""The QUIC check against aioquic's server on loopback, with a path that loses and distorts."""

from pathlib import Path
from typing import Any

import pytest
from loopback.probing import Probe, failures
from support.authority import ca_file
from support.programs import HERE, free_ports
from support.quic import PAGE, alerting, quic_server
from support.relay import all_but_first, nothing, udp_answering, udp_relay

from probe.checks.kit import Timeouts
from probe.core.model import Measurement
from probe.record.objects import Objects

SHORT = Timeouts(tls=2.0, first_byte=2.0)  # where silence is what is due
UP, SILENCE = "quic_handshake", "generic_timeout_error"


async def asked(
    tmp_path: Path,
    port: int,
    query: str = "",
    *,
    trusted: bool = True,
    timeouts: Timeouts | None = None,
) -> Measurement:
    probe = Probe(tmp_path / "objects", ca_file() if trusted else None)
    more: Any = {"timeouts": timeouts} if timeouts else {}
    url = f"quic://a.example:{port}?addresses={HERE}{query}"
    measurement = await probe(url, **more)
    assert measurement.invalid is None
    return measurement


async def test_it_shakes_hands_and_is_answered_over_http_3(tmp_path: Path) -> None:
    async with quic_server() as port:
        measurement = await asked(tmp_path, port, "&request=/")
        plain = await asked(tmp_path, port)
    assert [step.op for step in measurement.steps] == [
        UP, "http_request", "http_response", "transfer"
    ]  # fmt: skip
    assert failures(measurement) == []
    assert measurement.steps[-1].detail["bytes"] == len(PAGE)
    assert measurement.covered == "response"
    assert [(step.op, step.failure) for step in plain.steps] == [(UP, None)]


async def test_a_retry_is_followed(tmp_path: Path) -> None:
    async with quic_server(retry=True) as port:
        (step,) = (await asked(tmp_path, port)).steps
    assert (step.failure, step.detail["retry"]) == (None, True)


async def test_the_versions_are_told_without_a_handshake(tmp_path: Path) -> None:
    async with quic_server() as port:
        (step,) = (await asked(tmp_path, port, "&mode=version")).steps
        async with udp_relay(port, there=all_but_first(1)) as lossy:
            (late,) = (await asked(tmp_path, lossy, "&mode=version")).steps
    assert (step.op, step.failure) == ("quic_version", None)
    assert "0x00000001" in step.detail["versions"]
    assert (late.failure, late.detail["packets"]) == (None, 2)


async def test_another_version_is_agreed_on_or_none(tmp_path: Path) -> None:
    async with quic_server(supported_versions=[0x6B3343CF]) as port:
        (step,) = (await asked(tmp_path, port)).steps
    assert (step.failure, step.detail["quic_version"]) == (None, "0x6b3343cf")
    async with quic_server(supported_versions=[0xFF00001D]) as port:
        (step,) = (await asked(tmp_path, port)).steps
    assert step.failure == "quic_incompatible_version"


@pytest.mark.parametrize(
    ("kind", "trusted", "failure"),
    [
        ("valid", False, "ssl_unknown_authority"),
        ("self_signed", True, "ssl_unknown_authority"),
        ("wrong_name", True, "ssl_invalid_hostname"),
        ("expired", True, "ssl_invalid_certificate"),
    ],
)
async def test_a_wrong_certificate_is_named_and_kept(
    tmp_path: Path, kind: str, trusted: bool, failure: str
) -> None:
    async with quic_server(kind) as port:
        measurement = await asked(tmp_path, port, trusted=trusted)
    assert failures(measurement) == [(UP, failure)]
    (name,) = measurement.steps[0].detail["peer_certificates"]
    assert Objects(tmp_path / "objects").get(name)


async def test_the_system_s_store_is_trusted_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", ca_file())
    async with quic_server() as port:
        assert failures(await asked(tmp_path, port, trusted=False)) == []


async def test_the_server_s_alerts_are_named(tmp_path: Path) -> None:
    async with quic_server() as port:
        measurement = await asked(tmp_path, port, "&alpn=hq-interop")
    assert failures(measurement) == [(UP, "ssl_failed_handshake")]
    assert measurement.steps[0].detail["alert"] == "no_application_protocol"
    async with quic_server(react=alerting(112)) as port:
        assert failures(await asked(tmp_path, port)) == [(UP, "ssl_invalid_hostname")]


async def test_lost_packets_are_sent_again(tmp_path: Path) -> None:
    async with quic_server() as server:
        async with udp_relay(server, there=all_but_first(2)) as port:
            (step,) = (await asked(tmp_path, port)).steps
        assert step.failure is None
        assert step.detail["packets"] > 3  # ours, again, and what ends the handshake
        async with udp_relay(server, back=nothing) as port:
            assert failures(await asked(tmp_path, port, timeouts=SHORT)) == [(UP, SILENCE)]


@pytest.mark.parametrize("query", ["", "&mode=version"])
async def test_a_closed_port_and_garbage_are_told_apart(tmp_path: Path, query: str) -> None:
    op = "quic_version" if query else UP
    (port,) = free_ports(1)
    assert failures(await asked(tmp_path, port, query)) == [(op, "connection_refused")]
    async with udp_answering(lambda _: b"garbage") as port:
        assert failures(await asked(tmp_path, port, query, timeouts=SHORT)) == [(op, SILENCE)]
    async with udp_answering(lambda data: data) as port:
        assert failures(await asked(tmp_path, port, query, timeouts=SHORT)) == [(op, SILENCE)]
