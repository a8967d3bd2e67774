"""Web servers that break no rule and yet are a danger: redirects, and bodies without measure."""

import gzip
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from loopback.probing import PATIENT, Probe, failures
from loopback.scripts import page, says, says_forever
from loopback.servers import Loopback, Peer

from probe.core.address import Endpoint
from probe.core.model import Measurement, Step
from probe.judge.deciding import deciding
from probe.net.fake import FakeNetwork, FakePeer

HTTP = "http://127.0.0.1:{port}/"
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"


def steps(measurement: Measurement, op: str) -> list[Step]:
    return [step for step in measurement.steps if step.op == op]


# --- bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (ENDLESS, b"more "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"more "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nmore \r\n"),
    ],
    ids=["until closed", "by length", "chunked"],
)
async def test_an_endless_body_is_read_to_the_limit_and_is_no_failure(
    loopback: Loopback, probe: Probe, start: bytes, again: bytes
) -> None:
    port = loopback.listen(says_forever(start, again))
    measurement = await probe(HTTP.format(port=port), {"transfer": "20KiB"})
    (transfer,) = steps(measurement, "transfer")
    assert failures(measurement) == []
    assert (transfer.detail["bytes"], transfer.detail["complete"]) == (20 * 1024, False)
    assert len(transfer.detail["progress"]) <= 65


async def test_bytes_are_recorded_over_time(loopback: Loopback, probe: Probe) -> None:
    port = loopback.listen(says(page(200, b"x" * 50_000)))
    measurement = await probe(HTTP.format(port=port))
    (transfer,) = steps(measurement, "transfer")
    times, counts = zip(*transfer.detail["progress"], strict=True)
    assert (transfer.detail["bytes"], transfer.detail["complete"]) == (50_000, True)
    assert counts[-1] == 50_000
    assert sorted(set(counts)) == list(counts)
    assert transfer.t0 <= times[0] <= times[-1] <= transfer.t
    assert measurement.covered == "transfer"


async def test_a_gzip_bomb_stays_unexploded(
    loopback: Loopback, probe: Probe, tmp_path: Path
) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    port = loopback.listen(says(page(200, bomb, "Content-Encoding: gzip")))
    await probe(HTTP.format(port=loopback.listen(says(page(200)))))  # imports and contexts
    tracemalloc.start()
    try:
        measurement = await probe(HTTP.format(port=port), {"expect": {"body": "\0" * 99}})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    (transfer,) = steps(measurement, "transfer")
    assert failures(measurement) == []
    assert transfer.detail["bytes"] == len(bomb)
    assert len(probe.objects.get(transfer.detail["body"])) <= 32 * 1024
    assert peak < 2_000_000


async def test_a_trickle_of_headers_ends_at_the_deadline(loopback: Loopback, probe: Probe) -> None:
    async def trickle(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while await peer.receive():
            await peer.send(b"y")

    port = loopback.listen(trickle)
    measurement = await probe(HTTP.format(port=port), timeouts=replace(PATIENT, first_byte=0.3))
    (response,) = steps(measurement, "http_response")
    assert failures(measurement) == [("http_response", "generic_timeout_error")]
    assert 0.29 < response.t - response.t0 < PATIENT.first_byte
    assert response.detail["first_byte"] <= response.t


# --- redirects -----------------------------------------------------------------------------------


async def test_a_redirect_is_recorded_and_not_followed(loopback: Loopback, probe: Probe) -> None:
    port = loopback.listen(says(page(302, b"", "Location: http://127.0.0.1:1/elsewhere")))
    measurement = await probe(HTTP.format(port=port))
    (response,) = steps(measurement, "http_response")
    assert failures(measurement) == []
    assert response.detail["status"] == 302
    assert ["location", "http://127.0.0.1:1/elsewhere"] in response.detail["headers"]
    assert steps(measurement, "redirect") == []


async def test_a_redirect_is_followed_where_the_target_asks_for_it(
    loopback: Loopback, probe: Probe
) -> None:
    end = loopback.listen(says(page(200, b"here")))
    port = loopback.listen(says(page(307, b"", f"Location: http://127.0.0.1:{end}/end")))
    measurement = await probe(HTTP.format(port=port), {"follow": 1, "expect": {"body": "here"}})
    assert failures(measurement) == []
    assert [s.detail["status"] for s in steps(measurement, "http_response")] == [307, 200]
    assert [s.detail["path"] for s in steps(measurement, "http_request")] == ["/", "/end"]
    assert {s.transaction for s in measurement.steps} == {1}
    assert steps(measurement, "expect")[0].address == f"127.0.0.1:{end}"


async def test_a_redirect_at_the_same_host_stays_at_the_pinned_address(
    loopback: Loopback, probe: Probe
) -> None:
    port = loopback.listen(says(page(302, b"", "Location: /again")))
    measurement = await probe(f"http://site.example:{port}/#addresses=127.0.0.1&follow=1")
    assert failures(measurement) == []
    assert steps(measurement, "resolve") == []
    assert [s.address for s in steps(measurement, "connect")] == [f"127.0.0.1:{port}"] * 2


async def test_a_redirect_loop_ends(loopback: Loopback, probe: Probe) -> None:
    port = loopback.listen(says(page(302, b"", "Location: /")))
    measurement = await probe(HTTP.format(port=port), {"follow": 4})
    assert failures(measurement) == []
    assert len(steps(measurement, "http_request")) == 5
    decided = deciding(measurement)
    assert decided is not None
    assert decided.succeeded


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/secret",
        "http://[::ffff:127.0.0.1]:{port}/secret",
        "http://localhost:{port}/secret",
        "http://169.254.169.254/latest/meta-data",
        "http://2130706433:{port}/secret",
        "//10.0.0.1/",
        "ftp://files.example/",
        "http://a..b/",
        "http://" + "a" * 64 + ".example/",
        "http://[::1/",
        "http://site.example:99999/",
        "/caf\xe9",
        "/with a blank",
    ],
)
async def test_a_redirect_that_leads_inside_or_nowhere_is_refused(
    loopback: Loopback, probe: Probe, location: str
) -> None:
    asked: list[bytes] = []

    async def count(peer: Peer) -> None:
        asked.append(await peer.receive())
        await peer.send(page(302, b"", f"Location: {location.format(port=port)}"))
        await peer.end("fin")

    port = loopback.listen(count)
    measurement = await probe(f"http://site.example:{port}/#addresses=127.0.0.1&follow=3")
    assert measurement.invalid is None
    assert failures(measurement) == [("redirect", "http_invalid_redirect_location_host")]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("location", "inside"),
    [
        ("http://rebound.example/", "192.168.0.1"),
        ("http://0x7f000001/", "127.0.0.1"),
        ("http://sixth.example/", "fe80::1"),
    ],
)
async def test_a_public_server_leads_nowhere_inside_even_by_a_name(
    probe: Probe, location: str, inside: str
) -> None:
    async def redirect(peer: FakePeer) -> None:
        await peer.receive()
        peer.send(page(302, b"", f"Location: {location}"))

    public = Endpoint("192.0.2.1", 80)
    host = location.split("/")[2]
    net = FakeNetwork(names={"site.example": (public.ip,), host: (inside,)}, tcp={public: redirect})
    measurement = await probe("http://site.example/#follow=1", net=net)
    assert failures(measurement) == [("redirect", "http_invalid_redirect_location_host")]
    assert net.dialled == [public]


async def test_a_redirect_whose_name_is_unknown_is_a_failure_of_the_target(probe: Probe) -> None:
    async def redirect(peer: FakePeer) -> None:
        await peer.receive()
        peer.send(page(302, b"", "Location: http://gone.example/"))

    public = Endpoint("192.0.2.1", 80)
    net = FakeNetwork(names={"site.example": (public.ip,)}, tcp={public: redirect})
    measurement = await probe("http://site.example/#follow=1", net=net)
    decided = deciding(measurement)
    assert decided is not None
    assert decided.failed is not None
    assert (decided.failed.op, decided.failed.failure) == ("redirect", "dns_nxdomain_error")


async def test_a_redirect_to_an_international_name_is_asked_for_in_ascii(probe: Probe) -> None:
    hosts: list[bytes] = []

    async def redirect(peer: FakePeer) -> None:
        hosts.append(await peer.receive())
        peer.send(page(302, b"", "Location: http://b\xfccher.example/"))

    public = Endpoint("192.0.2.1", 80)
    names = dict.fromkeys(("site.example", "xn--bcher-kva.example"), (public.ip,))
    measurement = await probe(
        "http://site.example/#follow=1", net=FakeNetwork(names=names, tcp={public: redirect})
    )
    assert measurement.invalid is None
    assert b"Host: xn--bcher-kva.example\r\n" in hosts[1]
