"""The QUIC check against Caddy, whose QUIC and HTTP/3 (quic-go) share no line with the probe's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from loopback.probing import failures
from support.authority import ca_file, pem
from support.programs import HERE, free_ports, listens, program, running
from support.relay import Passes, all_but_first, nothing, udp_relay
from vpn.outcome import Probe

from probe.checks.kit import Timeouts
from probe.core.model import Measurement

pytestmark = pytest.mark.vpn
# Where silence is what is due: at once, or once the handshake is done.
SHORT, LATER = Timeouts(tls=1.0, first_byte=1.0), Timeouts(first_byte=1.0)
SILENCE, REFUSED = "generic_timeout_error", "connection_refused"
UP, VERSION = "quic_handshake", "quic_version"
PAGE = "a page"
# Nothing of it looks for certificates, updates or instructions elsewhere.
SETTINGS = """{{
    admin off
    auto_https off
    storage file_system {folder}/storage
}}
https://a.example:{port} {{
    bind {here}
    tls {pem} {pem}
    respond "{page}"
}}
"""


@contextmanager
def caddy(folder: Path) -> Iterator[int]:
    (port,) = free_ports(1)
    settings = folder / "Caddyfile"
    settings.write_text(
        SETTINGS.format(folder=folder, port=port, here=HERE, pem=pem("a.example"), page=PAGE)
    )
    command = [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(settings)]
    own = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(folder))
    with running(command, folder / "caddy.log", listens(port), environment=own):
        yield port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with caddy(tmp_path_factory.mktemp("caddy")) as port:
        yield port


async def asked(
    tmp_path: Path,
    port: int,
    *,
    trusted: bool = True,
    timeouts: Timeouts | None = None,
    **options: Any,
) -> Measurement:
    more: Any = {"timeouts": timeouts} if timeouts else {}
    probe = Probe(tmp_path / "objects", ca_file() if trusted else None)
    given = {"addresses": [HERE], **options}
    measurement = await probe(f"quic://a.example:{port}", given, **more)
    assert measurement.invalid is None
    return measurement


def the_page_came(measurement: Measurement) -> bool:
    """Whether it came whole, over HTTP/3."""
    ops = [(step.op, step.failure) for step in measurement.steps]
    whole = [(op, None) for op in (UP, "http_request", "http_response", "transfer")]
    return ops == whole and measurement.steps[-1].detail["bytes"] == len(PAGE)


async def test_it_shakes_hands_answers_over_http_3_and_says_its_versions(
    server: int, tmp_path: Path
) -> None:
    measurement = await asked(tmp_path, server, request="/")
    assert the_page_came(measurement)
    assert (measurement.covered, measurement.steps[0].detail["alpn"]) == ("response", "h3")
    (step,) = (await asked(tmp_path, server, mode="version")).steps
    assert (step.op, step.failure) == (VERSION, None)
    assert "0x00000001" in step.detail["versions"]  # among some that nobody speaks


async def test_what_it_does_not_speak_and_who_does_not_vouch_for_it_are_told(
    server: int, tmp_path: Path
) -> None:
    other = await asked(tmp_path, server, alpn=["hq-interop"])
    assert failures(other) == [(UP, "ssl_failed_handshake")]
    assert other.steps[0].detail["alert"] == "no_application_protocol"
    stranger = await asked(tmp_path, server, trusted=False)
    assert failures(stranger) == [(UP, "ssl_unknown_authority")]


@pytest.mark.parametrize("way", ["there", "back"])
async def test_a_lost_packet_is_made_good(server: int, tmp_path: Path, way: str) -> None:
    first: Any = {way: all_but_first(1)}
    async with udp_relay(server, **first) as port:
        measurement = await asked(tmp_path, port, request="/")
    assert the_page_came(measurement)
    assert measurement.steps[0].detail["packets"] >= 3  # one more than without loss
    async with udp_relay(server, **first) as port:
        (step,) = (await asked(tmp_path, port, mode="version")).steps
    assert (step.failure, step.detail["packets"] > 1) == (None, True)


def long_headers(_number: int, data: bytes) -> bool:
    """Packets of the handshake pass, and nothing after them."""
    return bool(data[0] & 0x80)


@pytest.mark.parametrize(
    ("back", "timeouts", "options", "op"),
    [
        (nothing, SHORT, {}, UP),
        (nothing, SHORT, {"mode": "version"}, VERSION),
        (long_headers, LATER, {"request": "/"}, "http_response"),
    ],
)
async def test_where_all_answers_are_lost_there_is_silence(
    server: int,
    tmp_path: Path,
    back: Passes,
    timeouts: Timeouts,
    options: dict[str, Any],
    op: str,
) -> None:
    async with udp_relay(server, back=back) as port:
        measurement = await asked(tmp_path, port, timeouts=timeouts, **options)
    assert failures(measurement) == [(op, SILENCE)]


@pytest.mark.parametrize(("mode", "op"), [("handshake", UP), ("version", VERSION)])
async def test_stopped_it_leaves_a_closed_port(tmp_path: Path, mode: str, op: str) -> None:
    with caddy(tmp_path) as port:
        assert failures(await asked(tmp_path, port, mode=mode)) == []
    assert failures(await asked(tmp_path, port, mode=mode)) == [(op, REFUSED)]
