"""probe.control.public: nothing that is somebody's inner network passes for public."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.control.public import is_public

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1
198.19.255.255 198.51.100.1 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::8.8.8.8 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 100::1 2001:db8::1 3fff::1
2001:2::1 2001:10::1 2001:20::1 5f00::1 64:ff9b:1::808:808 4000::1
"""
PUBLIC = """
1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.1.1
198.17.255.255 198.20.0.0 223.255.255.255 2606:2800::1 2a0d:10::1 2001:4860:4860::8888 2001:200::1
"""
FOUR = [ip for ip in (PRIVATE + PUBLIC).split() if ":" not in ip]
# The same address inside each address that carries one: mapped, NAT64, 6to4, both ends of Teredo.
CARRIERS = {
    "::ffff:0:0": 0,
    "64:ff9b::": 0,
    "2002::": 80,
}


@pytest.mark.parametrize("ip", PRIVATE.split())
def test_addresses_of_no_public_network_are_told(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", PUBLIC.split())
def test_public_addresses_are_told_up_to_the_edges_of_private_blocks(ip: str) -> None:
    assert is_public(ip)


def carried(ip: str) -> list[str]:
    four, public = int(IPv4Address(ip)), int(IPv4Address("1.1.1.1"))
    made = [int(IPv6Address(base)) | four << shift for base, shift in CARRIERS.items()]
    teredo = int(IPv6Address("2001::"))
    made.append(teredo | four << 64 | (public ^ 0xFFFFFFFF))
    made.append(teredo | public << 64 | (four ^ 0xFFFFFFFF))
    return [str(IPv6Address(number)) for number in made]


@given(st.sampled_from(FOUR))
def test_an_address_that_carries_another_is_judged_by_it(ip: str) -> None:
    assert [is_public(other) for other in carried(ip)] == [is_public(ip)] * 5


@pytest.mark.parametrize(
    "ip", ["fe80::1%eth0", "2606:2800::1%1", "host.example", "", "127.1", "0x7f.1"]
)
def test_what_is_no_plain_address_is_not_public(ip: str) -> None:
    assert not is_public(ip)
