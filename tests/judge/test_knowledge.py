"""probe.judge.knowledge: known pages, forged addresses, and addresses that can serve nobody."""

import ipaddress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.judge.knowledge import EMPTY, ForgedAddress, Knowledge, PageFingerprint, bogon
from probe.judge.pages import LOOKED_AT, PageFacts


def row(**more: Any) -> PageFingerprint:
    given_ = {
        "id": "a",
        "scope": "national",
        "where": "body",
        "kind": "contains",
        "pattern": "blocked",
        "source": "https://list.example/",
        "added": date(2024, 1, 2),
    }
    return PageFingerprint(**(given_ | more))


def page(body: bytes = b"", status: int = 200, **headers: str) -> PageFacts:
    return PageFacts(status, tuple(headers.items()), body, len(body))


def forged(network: str, *countries: str) -> ForgedAddress:
    return ForgedAddress(
        ipaddress.ip_network(network), "https://list.example/", date(2024, 1, 2), countries
    )


@pytest.mark.parametrize(
    ("where", "kind", "pattern", "fits", "fits_not"),
    [
        ("status", "full", "451", page(status=451), page(status=4510)),
        ("header", "prefix", "Wire", page(server="WireFilter"), page(server="A Wire")),
        ("header", "full", "Wire", page(server="Wire"), page(server="Wires")),
        ("location", "prefix", "http://b.ru/x", page(location="http://b.ru/xy"), page(server="b")),
        ("location_host", "full", "b.ru", page(location="https://B.ru/1"), page(location="/b.ru")),
        ("location_host", "full", "b.ru", page(location="//b.ru"), page(location="//b.ru.shop")),
        ("title", "full", "Stop & go", page(b"<title> Stop\n&amp; go"), page(b"Stop & go")),
        ("body", "contains", "blocked", page(b"is blocked."), page(b"is BLOCKED.")),
        ("body", "regexp", "b[lo]{2}ck", page(b"a block"), page(b"a bock")),
        ("body", "contains", "доступ", page("нет доступа".encode()), page(b"\xff\xfe")),
    ],
)
def test_a_fingerprint_fits_what_it_describes_and_nothing_else(
    where: str, kind: str, pattern: str, fits: PageFacts, fits_not: PageFacts
) -> None:
    header = "server" if where == "header" else None
    known = row(where=where, kind=kind, pattern=pattern, header=header)
    assert known.matches(fits)
    assert not known.matches(fits_not)
    assert not known.matches(PageFacts(None, (), b"", None))


def test_only_32_kib_are_looked_at() -> None:
    assert row().matches(page(b" " * (LOOKED_AT - 7) + b"blocked"))
    assert not row().matches(page(b" " * (LOOKED_AT - 6) + b"blocked"))
    far = "x" * LOOKED_AT + "blocked"
    assert not row(where="location").matches(page(location=far))


@pytest.mark.parametrize(
    ("more", "country", "proves"),
    [
        ({}, "IR", True),
        ({"countries": ("IR", "RU")}, "RU", True),
        ({"countries": ("IR",)}, "ZZ", True),
        ({"countries": ("IR",)}, "DE", False),
        ({"scope": "isp"}, "IR", True),
        ({"scope": "product"}, "IR", True),
        ({"scope": "institution"}, "IR", False),
        ({"scope": "vague"}, "IR", False),
        ({"scope": "not_blocking"}, "IR", False),
        ({"known_false_positives": ("a page that quotes it",)}, "IR", False),
    ],
)
def test_only_a_scoped_fingerprint_without_false_positive_proves_and_only_in_its_countries(
    more: dict[str, Any], country: str, proves: bool
) -> None:
    assert row(**more).proves(country) is proves


def test_of_several_that_fit_one_that_proves_comes_first() -> None:
    vague, abroad, proof = (
        row(id="vague", scope="vague"),
        row(id="abroad", countries=("IR",)),
        row(id="proof", countries=("RU",)),
    )
    knowledge = Knowledge((vague, abroad, proof), ())
    assert knowledge.page(page(b"blocked"), "RU") is proof
    assert knowledge.page(page(b"blocked"), "DE") is vague
    assert knowledge.page(page(b"welcome"), "RU") is None
    assert EMPTY.page(page(b"blocked"), "RU") is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"pattern": ""}, "1 to 500"),
        ({"pattern": "  "}, "1 to 500"),
        ({"pattern": "x" * 501}, "1 to 500"),
        ({"where": "header"}, "'header' names"),
        ({"header": "server"}, "'header' names"),
        ({"where": "header", "header": "Server"}, "small letters"),
        ({"kind": "regexp", "pattern": "(a"}, "no regular expression"),
        ({"kind": "regexp", "pattern": "a{5,1}"}, "no regular expression"),
        ({"kind": "regexp", "pattern": "(a+)+"}, "upper bound"),
        ({"kind": "regexp", "pattern": "a?"}, "empty text"),
    ],
)
def test_a_fingerprint_that_cannot_be_meant_is_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        row(**wrong)


def test_a_forged_address_is_known_in_its_countries_in_every_spelling() -> None:
    first, second = forged("10.10.34.34/32", "IR"), forged("2001::/32")
    knowledge = Knowledge((), (first, second))
    assert knowledge.forged("10.10.34.34", "IR") is first
    assert knowledge.forged("10.10.34.34", "ZZ") is first
    assert knowledge.forged("10.10.34.34", "DE") is None
    assert knowledge.forged("10.10.34.35", "IR") is None
    assert knowledge.forged("2001:0:0::abcd", "DE") is second
    assert knowledge.forged("2001:1::", "DE") is None


@pytest.mark.parametrize(
    "ip",
    [
        "0.0.0.0",
        "10.10.34.34",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.31.255.255",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "243.185.187.39",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001::1",
        "2001:0:ffff::",
        "2001:db8::1",
        "3fff::1",
        "fc00::1",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "d0::11",
        "4000::",
    ],
)
def test_what_can_serve_no_public_name_is_a_bogon(ip: str) -> None:
    assert bogon(ip)


@pytest.mark.parametrize(
    "ip",
    [
        "8.8.8.8",
        "100.63.255.255",
        "172.32.0.1",
        "223.255.255.255",
        "2001:4860:4860::8888",
        "2606:4700::1111",
        "2400::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "64:ff9b:1::a00:1",
        "2002:808:808::",
        "",
        "shop.example",
        "10.0.0.1:53",
        "999.1.1.1",
    ],
)
def test_what_can_and_what_is_no_address_is_none(ip: str) -> None:
    assert not bogon(ip)


@given(st.text(max_size=50) | st.ip_addresses().map(str), st.text(max_size=3))
def test_no_address_breaks_it(ip: str, country: str) -> None:
    assert bogon(ip) in {True, False}
    knowledge = Knowledge((), (forged("0.0.0.0/0"), forged("::/0", "IR")))
    known = knowledge.forged(ip, country)
    assert known is None or ipaddress.ip_address(ip) in known.network
