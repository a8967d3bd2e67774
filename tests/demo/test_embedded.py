"""The whole embedded internet: started, described to the probe, and gone without a trace."""

import asyncio
import socket
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

import dns.message
import pytest

from probe.demo.embedded import EmbeddedInternet
from probe.demo.world import read_world
from probe.net.clocks import FakeClock, RealClock
from probe.plan.config import read_config

MEDIA = "media.pigeon.example"


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


async def lookup(internet, name):
    loop = asyncio.get_running_loop()
    ip, port = internet.resolver.removeprefix("udp://").rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect((ip, int(port)))
        await loop.sock_sendall(sock, dns.message.make_query(name, "A").to_wire())
        async with asyncio.timeout(30):
            response = dns.message.from_wire(await loop.sock_recv(sock, 65535))
    return [record.address for rrset in response.answer for record in rrset]


async def fetch(internet, name):
    context = ssl.create_default_context(cafile=str(internet.ca_file))
    reader, writer = await asyncio.open_connection(
        *internet.endpoint(name), ssl=context, server_hostname=name
    )
    writer.write(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_names_lead_to_hosts_that_serve_them(tmp_path):
    async with EmbeddedInternet(read_world(), tmp_path, RealClock()) as internet:
        endpoint = internet.endpoint(MEDIA)
        assert await lookup(internet, MEDIA) == [endpoint.ip]
        assert len(await fetch(internet, MEDIA)) > 128 * 1024
        assert await lookup(internet, "www.gone-vpn.example") == []


async def test_the_story_counts_from_its_beginning(tmp_path):
    clock = FakeClock(datetime.now(UTC))
    async with EmbeddedInternet(read_world(), tmp_path, clock) as internet:
        clock.advance(2)
        with pytest.raises(ConnectionResetError):
            await fetch(internet, MEDIA)
        internet.begin()
        assert len(await fetch(internet, MEDIA)) > 128 * 1024
        clock.advance(2)
        with pytest.raises(ConnectionResetError):
            await fetch(internet, MEDIA)
        clock.advance(2)
        assert len(await fetch(internet, MEDIA)) > 128 * 1024


async def test_the_configuration_is_one_that_the_probe_accepts(tmp_path):
    world = read_world()
    async with EmbeddedInternet(world, tmp_path / "certificates", RealClock()) as internet:
        path = tmp_path / "demo.yaml"
        path.write_text(internet.configuration(tmp_path / "results"))
        config = read_config(path)
        media = internet.endpoint(MEDIA)
        ca_file = str(internet.ca_file)
        resolver = internet.resolver
    urls = {target.id: target.url for target in config.targets}
    assert list(urls) == [target.id for target in world.targets]
    assert urls["pigeon-media"] == f"https://{MEDIA}:{media.port}/picture"
    assert urls["gone-site"] == "https://www.gone-vpn.example/"
    assert urls["servfail"] == "dns://archive.example?type=A"
    assert config.resolvers == [resolver]
    assert config.tls.ca_file == ca_file
    assert config.results == str(tmp_path / "results")
    assert len(config.anchors.international) == 2
    assert len(config.anchors.domestic) == 1


async def test_ten_starts_and_stops_leave_nothing_behind_and_are_quick(tmp_path):
    world = read_world()
    tasks, took = asyncio.all_tasks(), []
    for number in range(10):
        began = time.perf_counter()
        async with EmbeddedInternet(world, tmp_path, RealClock()) as internet:
            took.append(time.perf_counter() - began)
            await fetch(internet, MEDIA)
            left_open = socket.socket()
            left_open.setblocking(False)
            await asyncio.get_running_loop().sock_connect(left_open, internet.endpoint(MEDIA))
        left_open.close()
        if number == 0:
            files = open_files()
    assert asyncio.all_tasks() == tasks
    assert open_files() == files
    assert min(took) < 1


async def test_a_start_that_fails_leaves_nothing_behind(tmp_path):
    tasks, files = asyncio.all_tasks(), open_files()
    with socket.socket() as taken:
        taken.bind(("127.99.0.5", 0))
        taken.listen()
        world = read_world()
        hosts = [
            host.model_copy(update={"port": taken.getsockname()[1]})
            if host.name == "impostor.test"
            else host
            for host in world.hosts
        ]
        crowded = world.model_copy(update={"hosts": hosts})
        with pytest.raises(OSError, match="in use"):
            async with EmbeddedInternet(crowded, tmp_path, RealClock()):
                pass
    assert asyncio.all_tasks() == tasks
    assert open_files() == files


async def test_an_unknown_host_is_a_key_error(tmp_path):
    async with EmbeddedInternet(read_world(), tmp_path, RealClock()) as internet:
        with pytest.raises(KeyError):
            internet.endpoint("www.gone-vpn.example")
