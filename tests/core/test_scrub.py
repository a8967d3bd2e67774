"""probe.core.scrub: no address but the target's gets into what servers make us write down."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.core.scrub import SCRUBBED, Scrubber

OWN4, OWN6 = "198.51.100.77", "2001:db8:77::7"

AROUND = [
    "{}",
    "seen from {} today",
    "[{}]",
    "({})",
    "<b>{}</b>",
    '{{"ip":"{}"}}',
    "ip={}",
    "client: {}, server",
    "client:{}",
    "source:{}",
    "{}.",
    "{}, 10",
    "{}: connection refused",
    "for={};proto=https",
    "/seen/{}/logs",
    "log_{}_end",
]


# A host's address does not end in zeros, so "fe80:::" is never an address and a colon.
HOSTS6 = st.ip_addresses(v=6).filter(lambda ip: int(ip) & 0xFFFF)


def spellings6(ip: ipaddress.IPv6Address) -> list[str]:
    return [str(ip), str(ip).upper(), ip.exploded, ip.exploded.upper()]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(
    "ip", ["203.0.113.9", "8.8.8.8", "203.000.113.009", "255.255.255.255", "203.0.113.9:52144"]
)
def test_an_ipv4_address_never_stands_in_text(around: str, ip: str) -> None:
    text = Scrubber().text(around.format(ip))
    assert text == around.format(SCRUBBED)


@pytest.mark.parametrize("around", AROUND)
@given(ip=HOSTS6)
def test_an_ipv6_address_never_stands_in_text_however_it_is_spelt(
    around: str, ip: ipaddress.IPv6Address
) -> None:
    for spelling in spellings6(ip):
        assert Scrubber().text(around.format(spelling)) == around.format(SCRUBBED)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("fe80::1%eth0 is down", f"{SCRUBBED} is down"),
        ("[2001:db8::1]:443", f"[{SCRUBBED}]:443"),
        ("a ::ffff:203.0.113.9 b", None),
        ("a 64:ff9b::203.0.113.9 b", None),
        ("a ::ffff:cb00:7109 b", f"a {SCRUBBED} b"),
        ("203.0.113.9,203.0.113.10 2001:db8::1", f"{SCRUBBED},{SCRUBBED} {SCRUBBED}"),
    ],
)
def test_mixed_and_scoped_spellings_go_too(text: str, clean: str | None) -> None:
    got = Scrubber().text(text)
    assert "203" not in got
    assert "2001" not in got
    if clean is not None:
        assert got == clean


@pytest.mark.parametrize(
    "text",
    [
        "Mozilla/5.0 (X11) Chrome/99.0.0.0 Safari/537.36",
        "Server: squid/4.10.0.1",
        "nginx/1.2.3.4",
        "version 1.2.3.4",
        "version: 10.0.19041.1",
        "release=2.0.0.1",
        "v1.2.3.4",
        "build 10.0.0.1",
    ],
)
def test_version_numbers_are_no_addresses(text: str) -> None:
    assert Scrubber().text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "at 12:30:45 on 2017-07-18",
        "2017-07-18T04:00:00.000000Z",
        "00:1b:44:11:3a:b7",
        "std::string and a::before",
        "1.2.3",
        "1.2.3.4.5",
        "999.1.2.3",
        "ratio 3:2:1:",
        "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01",
        "",
    ],
)
def test_what_only_looks_like_an_address_stays(text: str) -> None:
    assert Scrubber().text(text) == text


@pytest.mark.parametrize("around", [*AROUND, "curl/{}", "version {}"])
@pytest.mark.parametrize("own", [OWN4, OWN6, OWN6.upper(), f"::ffff:{OWN4}"])
def test_the_own_address_goes_even_where_a_version_may_stand(around: str, own: str) -> None:
    scrubber = Scrubber()
    scrubber.hide(OWN4)
    scrubber.hide(OWN6)
    for clean in (scrubber.text, scrubber.own):
        got = clean(around.format(own))
        assert OWN4 not in got
        assert OWN6 not in got.lower()


def test_only_own_addresses_are_taken_where_all_others_are_facts() -> None:
    scrubber = Scrubber()
    assert scrubber.own(f"{OWN4} asked 203.0.113.9") == f"{OWN4} asked 203.0.113.9"
    scrubber.hide(OWN4)
    assert scrubber.own(f"{OWN4} asked 203.0.113.9") == f"{SCRUBBED} asked 203.0.113.9"
    assert scrubber.own("::ffff:c633:644d") == SCRUBBED


def test_the_targets_address_stays_even_if_it_is_the_vantages() -> None:
    scrubber = Scrubber(keep=["192.0.2.1"])
    scrubber.keep("2001:DB8::1")
    for ip in ("192.0.2.1", "2001:db8::1"):
        scrubber.hide(ip)
        assert scrubber.text(f"to {ip} and 203.0.113.9") == f"to {ip} and {SCRUBBED}"
        assert scrubber.own(f"to {ip}") == f"to {ip}"


def test_loopback_as_own_address_tells_nothing_and_is_not_hidden() -> None:
    scrubber = Scrubber()
    scrubber.hide("127.0.0.1")
    scrubber.hide("::1")
    assert scrubber.own("127.0.0.1 and ::1") == "127.0.0.1 and ::1"


@given(st.text(alphabet="0123456789abcdefABCDEF:.[]%/ vx", max_size=60))
def test_scrubbing_never_fails_and_leaves_nothing_for_a_second_pass(text: str) -> None:
    scrubber = Scrubber()
    scrubber.hide(OWN4)
    once = scrubber.text(text)
    assert scrubber.text(once) == once
    scrubber.own(text)
