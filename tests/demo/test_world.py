"""The world's file is read strictly: every mistake is one line with file, line and key."""

import pytest

from probe.core.strictyaml import ConfigError
from probe.core.units import parse_duration
from probe.demo.world import SHIPPED, Host, read_world

SMALL = """\
vantage: {id: here, country: XD, asn: 64496, network: datacenter}
nameserver:
  address: 127.0.0.53
  answers: {gone.test: nxdomain}
hosts:
  - {name: a.test, address: 127.1.0.1, serves: https, port: 7001}
  - {name: b.test, address: 127.1.0.2, serves: tcp}
anchors: {international: [a.test], domestic: []}
every: 2s
timeouts: {dns: 1s}
targets:
  - {id: one, service: s, feature: f, scheme: https, host: a.test, path: /}
  - {id: two, service: s, feature: f, scheme: tcp, host: b.test}
  - {id: three, service: s, feature: f, scheme: https, host: gone.test}
"""


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        path = tmp_path / "world.yaml"
        path.write_text(text)
        return read_world(path)

    return read_text


def test_the_shipped_world_is_valid_and_tells_a_story():
    world = read_world()
    media = world.host("media.pigeon.example")
    assert [media.at(second).behaviour for second in (0.0, 1.9, 2.0, 3.9, 4.0)] == [
        "healthy",
        "healthy",
        "filtered",
        "filtered",
        "healthy",
    ]
    assert {target.scheme for target in world.targets} == {"dns", "tcp", "tls", "http", "https"}


def test_every_host_of_the_shipped_world_has_an_address_of_its_own():
    addresses = [host.address for host in read_world().hosts]
    assert len(set(addresses)) == len(addresses)


def test_as_many_rounds_see_each_part_of_the_story_wherever_a_round_begins():
    world = read_world()
    every = parse_duration(world.every)
    changes = [change for host in world.hosts for change in host.changes]
    assert changes
    assert all(c.since % every == 0 and c.until % every == 0 for c in changes)


def test_an_unchanged_small_world_is_read(read):
    assert read(SMALL).host("b.test").serves == "tcp"


def test_a_host_that_is_not_there_is_a_key_error(read):
    with pytest.raises(KeyError):
        read(SMALL).host("c.test")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("tcp}", "tcp, greetin: x}", "7: hosts[1].greetin: unknown key; did you mean 'greeting'?"),
        ("serves: tcp}", "serves: smtp}", "7: hosts[1].serves:"),
        ("name: b.test", "name: example.com", "7: hosts[1].name: 'example.com' is not a name"),
        ("name: b.test", "name: B.test", "7: hosts[1].name: 'B.test' is not a name"),
        ("127.1.0.2", "192.0.2.1", "7: hosts[1].address: '192.0.2.1' is no loopback address"),
        ("127.1.0.2", "localhost", "7: hosts[1].address: 'localhost' is no loopback address"),
        ("127.0.0.53", "0.0.0.0", "3: nameserver.address: '0.0.0.0' is no loopback address"),
        ("name: b.test", "name: a.test", "7: hosts[1].name: stands in this world already"),
        ("127.1.0.2,", "127.1.0.1, port: 7001,", "7: hosts[1].port: stands in this world already"),
        ("id: two", "id: one", "13: targets[1].id: stands in this world already"),
        ("host: gone.test", "host: gone2.test", "14: targets[2].host: there is no host gone2.test"),
        ("scheme: tcp", "scheme: tls", "13: targets[1].scheme: b.test serves no tls"),
        ("gone.test: nx", "a.test: nx", "4: nameserver.answers.a.test: is a host, so it resolves"),
        ("domestic: []", "domestic: [b.test]", "8: anchors.domestic[0]: b.test serves no page"),
        ("country: XD", "country: CN", "1: vantage.country:"),
        ("asn: 64496", "asn: 4134", "1: vantage.asn:"),
        ("port: 7001", "port: 70000", "6: hosts[0].port:"),
        ("port: 7001", "status: 99", "6: hosts[0].status:"),
        ("serves: tcp", "serves: tcp, status: 503", "7: hosts[1].status: a tcp service has no"),
        ("serves: tcp", "serves: tcp, behaviour: stall", "7: hosts[1].behaviour: a tcp service"),
        ("serves: tcp", "serves: tcp, certificate: expired", "7: hosts[1].certificate: only https"),
        ("port: 7001", "body: x, size: 1KiB", "6: hosts[0].size: give either 'body' or 'size'"),
        ("port: 7001", "size: 17MiB", "6: hosts[0].size:"),
        (
            "port: 7001",
            "changes: [{from: 4s, until: 4s}]",
            "6: hosts[0].changes[0].until: must be later than 'from'",
        ),
        (
            "port: 7001",
            "changes: [{from: soon, until: 4s}]",
            "6: hosts[0].changes[0].from: 'soon' is no duration",
        ),
        (
            "port: 7001",
            "changes: [{from: 1s, until: 4s, behaviour: refused}]",
            "6: hosts[0].changes[0].behaviour: a host is 'refused' always or never",
        ),
        ("every: 2s\n", "", "1: every: is missing"),
    ],
)
def test_a_mistake_is_one_line_that_says_where(read, old, new, line):
    assert old in SMALL
    with pytest.raises(ConfigError) as caught:
        read(SMALL.replace(old, new))
    assert len(caught.value.lines) == 1
    assert caught.value.lines[0].startswith(f"world.yaml:{line}")


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.yaml: No such file"):
        read_world(tmp_path / "no.yaml")


def test_only_https_tells_a_filter_its_server_name():
    with pytest.raises(ValueError, match="only https tells a filter"):
        Host.model_validate(
            {"name": "a.test", "address": "127.1.0.1", "serves": "http", "behaviour": "filtered"}
        )


def test_the_first_change_that_holds_counts():
    host = Host.model_validate(
        {
            "name": "a.test",
            "address": "127.1.0.1",
            "serves": "http",
            "status": 200,
            "changes": [
                {"from": "1s", "until": "3s", "status": 503},
                {"from": "2s", "until": "4s", "behaviour": "silent"},
            ],
        }
    )
    seen = [(host.at(second).status, host.at(second).behaviour) for second in range(5)]
    assert seen == [
        (200, "healthy"),
        (503, "healthy"),
        (503, "healthy"),
        (200, "silent"),
        (200, "healthy"),
    ]


def test_the_shipped_world_names_nobody_that_exists():
    assert ".com" not in SHIPPED.read_text()
