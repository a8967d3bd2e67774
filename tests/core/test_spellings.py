"""probe.core.spellings: an address that one knows is found however it is written."""

import base64
import ipaddress
from typing import Any

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.core.scrub import SCRUBBED, Scrubber
from probe.core.spellings import Spellings

OTHER = "a page of some length that names 203.0.113.200, 2001:db8:ffff::5 and 17-18-19-20.example"


def written(ip: Any) -> list[str]:
    """Spellings of which each has been seen in names, URLs, headers or pages."""
    digits = ip.packed.hex()
    common = [digits, digits.upper(), f"0x{digits}", str(int(ip)), str(ip), ip.exploded]
    if ip.version == 4:
        octets = str(ip).split(".")
        backwards = octets[::-1]
        return [
            *common,
            *(sep.join(order) for sep in ".-_" for order in (octets, backwards)),
            ".".join(octet.zfill(3) for octet in octets),
            "-".join(octet.zfill(3) for octet in backwards),
            "%2E".join(octets),
            "&#46;".join(octets),
            "[.]".join(octets),
            "-".join(f"{int(octet):02X}" for octet in octets),
            ip.reverse_pointer,
        ]
    text = str(ip)
    return [
        *common,
        text.upper(),
        text.replace(":", "-"),
        text.replace(":", "%3a"),
        ip.exploded.replace(":", "-"),
        ip.reverse_pointer,
        "-".join(digits),
    ]


AROUND = ["{}", "x={};", "host-{}.dsl.example", "ip{}z.example", '{{"you":"{}"}}', "/seen/{}/"]
WHOLE = st.one_of(
    st.ip_addresses(v=4).filter(lambda ip: int(ip) > 0xFFFFFF and not ip.is_loopback),
    st.ip_addresses(v=6).filter(lambda ip: int(ip) & 0xFFFF and int(ip) >> 112),
)


@given(ip=WHOLE)
def test_no_spelling_of_a_known_address_stays_in_text(ip: Any) -> None:
    scrubber = Scrubber()
    scrubber.hide(str(ip))
    for spelling in written(ip):
        for around in AROUND:
            if around.startswith("ip") and ip.version == 6:
                around = around.replace("ip{}z", "ip-{}-z")  # noqa: PLW2901  (a digit too many)
            clean = scrubber.own(around.format(spelling))
            assert SCRUBBED in clean, (around, spelling)
            assert spelling not in clean


@given(ip=WHOLE, before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_base64_does_not_hide_it(ip: Any, before: bytes, after: bytes) -> None:
    text = base64.b64encode(before + str(ip).encode() + after).decode()
    if len(str(ip)) >= 10:
        assert SCRUBBED in Spellings([str(ip)]).replaced(text, SCRUBBED)


@given(ip=WHOLE)
def test_other_text_is_left_alone(ip: Any) -> None:
    assert Spellings([str(ip)]).replaced(OTHER, SCRUBBED) == OTHER
    assert not Spellings([str(ip)]).within(OTHER.encode())


@pytest.mark.parametrize("text", ["198.51.100.770", "1198.51.100.77", "33252567810", "ac633644d"])
def test_a_longer_number_is_another_one(text: str) -> None:
    assert Spellings(["198.51.100.77"]).replaced(text, SCRUBBED) == text


def answer(type_: str, data: str, name: str = "who.example") -> bytes:
    query = dns.message.make_query(name, type_, id=7)
    made = dns.message.make_response(query)
    made.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", type_, data))
    return made.to_wire()


BACKWARDS = ipaddress.ip_address("2001:db8:77::7").reverse_pointer


@pytest.mark.parametrize(
    ("own", "raw"),
    [
        ("198.51.100.77", answer("A", "198.51.100.77")),
        ("2001:db8:77::7", answer("AAAA", "2001:db8:77::7")),
        ("198.51.100.77", answer("TXT", '"your address is 198.51.100.77"')),
        ("198.51.100.77", answer("PTR", "host-198-51-100-77.dsl.example.")),
        ("198.51.100.77", answer("CNAME", "77.100.51.198.in-addr.arpa.")),
        ("2001:db8:77::7", answer("CNAME", f"{BACKWARDS}.")),
        ("198.51.100.77", "a page: 198.51.100.77".encode("utf-16")),
    ],
)  # fmt: skip
def test_it_is_found_in_what_cannot_be_edited(own: str, raw: bytes) -> None:
    assert Spellings([own]).within(raw)
    assert not Spellings(["198.51.100.78", "2001:db8:77::8"]).within(raw)


def test_without_an_address_there_is_nothing_to_find() -> None:
    assert Spellings([]).replaced(OTHER, SCRUBBED) == OTHER
    assert not Spellings([]).within(b"\0" * 100)
