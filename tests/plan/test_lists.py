"""probe.plan.lists: targets out of test lists, host lists and access keys, and what is rejected."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed

from probe.plan.lists import MOST, read_list

SECRET = "hunter2abc"
CERT = base64.b64encode(bytes([9]) * 52).decode().rstrip("=")
METHOD = "chacha20-ietf-poly1305"
SIP002 = f"ss://{base64.urlsafe_b64encode(f'{METHOD}:{SECRET}'.encode()).decode()}@a.example:8388"
LEGACY = f"ss://{base64.b64encode(f'{METHOD}:{SECRET}@a.example:8388'.encode()).decode()}#name"
CSV = """\
url,category_code,category_description,date_added,source,notes
https://a.example/,NEWS,News Media,2014-04-15,citizenlab,"two
lines"
http://b.example/x?y=1#part,NEWS,News Media,2014-04-15,citizenlab,
ftp://c.example/,NEWS,News Media,2014-04-15,citizenlab,
https://A.example:443,NEWS,News Media,2014-04-15,citizenlab,the first again
"""


def urls(text: str) -> list[object]:
    return [target["url"] for target in read_list(text).targets]


def test_a_test_list_gives_each_site_once_and_tells_what_it_left_out() -> None:
    found = read_list(CSV)
    assert [t["url"] for t in found.targets] == ["https://a.example/", "http://b.example/x?y=1"]
    (left,) = found.rejected
    assert ("no check is called 'ftp'" in left.reason, left.excerpt) == (True, "ftp://c.example/")


def test_a_host_is_a_website_and_with_a_port_a_connection() -> None:
    text = "# mine\na.example\nb.example:1194  # office\n2001:db8::1\n[2001:db8::1]:22\nstun://c.example\n"
    assert urls(text) == [
        "https://a.example/",
        "tcp://b.example:1194",
        "https://[2001:db8::1]/",
        "tcp://[2001:db8::1]:22",
        "stun://c.example",
    ]


@pytest.mark.parametrize("key", [SIP002, LEGACY])
def test_the_password_of_an_access_key_goes_beside_the_target(key: str) -> None:
    found = read_list(key)
    assert found.targets == [
        {
            "url": "shadowsocks://a.example:8388",
            "method": METHOD,
            "password_file": "a.example-8388.key",
            "private": True,
            "feature": "tunnel",
        }
    ]
    assert found.secrets == {"a.example-8388.key": SECRET}
    assert SECRET not in str(found.targets)


@pytest.mark.parametrize(
    ("before", "where", "name"),
    [
        ("", "192.0.2.7:443", "192.0.2.7-443.bridge"),
        ("Bridge ", "192.0.2.7:443", "192.0.2.7-443.bridge"),
        ("", "[2001:db8::7]:9001", "2001_db8__7-9001.bridge"),
    ],
)
def test_a_bridge_line_goes_beside_the_target(before: str, where: str, name: str) -> None:
    line = f"{before}obfs4 {where} {'0123456789' * 4} cert={CERT} iat-mode=0"
    found = read_list(f"{line}  # from a friend\n")
    (target,) = found.targets
    assert target == {
        "url": f"obfs4://{where}", "bridge_file": name, "private": True, "feature": "tunnel",
    }  # fmt: skip
    assert found.secrets == {name: line}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (f"obfs4 192.0.2.7:443 cert={SECRET}", "70 characters"),
        ("obfs4 192.0.2.7:443 " + "A" * 40, "70 characters"),
        (f"obfs4 192.0.2.7:99999 cert={CERT}", "port"),
        (f"webtunnel [2001:db8::7]:443 {'A' * 40} url=https://a.example/{SECRET}", "'webtunnel'"),
        (f"Bridge 192.0.2.7:443 {'A' * 40}", "without a transport"),
        (f"obfs4 a.example:443 cert={SECRET}", "more than one word"),
        (f"a.example {SECRET}", "more than one word"),
        (f"https://me:{SECRET}@a.example/", "holds a user or a password"),
        ("ss://" + SECRET, "is no access key"),
        (SIP002 + "?plugin=v2ray-plugin", "wants the plugin"),
        ("wireguard://a.example?public_key=x", "public_key"),
        (f"socks5://a.example?password_file=/etc/{SECRET}", "names a file or a variable"),
        ("x" * 5000, "longer than 4096"),
        ("../../etc/passwd", "is no"),
        ("\x01", ""),
    ],
)
def test_what_is_no_target_is_rejected_without_its_secret(row: str, told: str) -> None:
    found = read_list(row)
    assert (found.targets, found.secrets) == ([], {})
    (left,) = found.rejected
    assert told in left.reason
    assert len(left.excerpt) <= 60
    assert SECRET not in f"{left.reason} {left.excerpt}"
    assert CERT not in f"{left.reason} {left.excerpt}"


def test_a_list_has_an_end() -> None:
    found = read_list("\n" * 3 + "a.example\n" * (MOST + 10))
    assert len(found.targets) == 1
    assert found.rejected[-1].reason == f"no more than {MOST} rows are read"


@fuzzed
@given(st.text(max_size=200))
def test_anything_at_all_is_a_target_or_rejected(text: str) -> None:
    read_list(text)
    read_list("ss://" + text)
    read_list("obfs4 192.0.2.7:443 " + text)
    try:
        read_list("url,notes\n" + text)
    except ValueError as exc:
        assert "CSV" in str(exc)
