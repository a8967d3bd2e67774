"""probe.core.address: which hosts depend on no line."""

import pytest

from probe.core.address import Endpoint, is_ip, is_local


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "::",
        "::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fe80::1%eth0",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "localhost",
        "LOCALHOST.",
        "printer.localhost",
    ],
)
def test_hosts_of_this_machine_and_its_network_are_local(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "172.32.0.1",
        "192.169.0.1",
        "11.0.0.1",
        # Reserved for documentation, and used as if public in examples, tests and the demo.
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "2001:db8::1",
        "2606:4700::1111",
        "fec0::1",
        "::ffff:8.8.8.8",
        "localhost.example",
        "notlocalhost",
        "10.0.0.1.example",
        "",
    ],
)
def test_all_other_hosts_are_not(host: str) -> None:
    assert not is_local(host)


@pytest.mark.parametrize(
    ("ip", "text"), [("192.0.2.1", "192.0.2.1:443"), ("2001:db8::1", "[2001:db8::1]:443")]
)
def test_an_endpoint_is_written_as_in_a_url(ip: str, text: str) -> None:
    assert str(Endpoint(ip, 443)) == text


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("192.0.2.1", True),
        ("::1", True),
        ("fe80::1%2", True),
        ("[::1]", False),
        ("192.0.2", False),
        ("192.0.2.01", False),
        ("192.0.2.1:80", False),
        ("a.example", False),
        ("", False),
    ],
)
def test_only_literals_are_addresses(text: str, yes: bool) -> None:
    assert is_ip(text) is yes
