"""probe.plan.accesskey: the keys that Shadowsocks servers' owners hand out, in each form."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed

from probe.core.masking import mask
from probe.plan.accesskey import read_access_key
from probe.plan.config import TargetSection
from probe.plan.target import OptionError, parse_target, secrets_of

SECRET = "hunter2/@:é+x"
LOGIN = f"chacha20-ietf-poly1305:{SECRET}"
PERCENT = "chacha20-ietf-poly1305:hunter2%2F%40%3A%C3%A9%2Bx"


def b64(text: str, alphabet: str = "url") -> str:
    encode = base64.urlsafe_b64encode if alphabet == "url" else base64.b64encode
    return encode(text.encode()).decode()


@pytest.mark.parametrize(
    "key",
    [
        f"ss://{b64(LOGIN)}@vpn.example:8388",
        f"ss://{b64(LOGIN).rstrip('=')}@vpn.example:8388/?outline=1",
        f"SS://{b64(LOGIN, 'standard').replace('/', '%2F')}@vpn.example:8388#My%20server",
        f"ss://{PERCENT}@vpn.example:8388/",
        f"ss://{b64(LOGIN + '@vpn.example:8388')}",
        f" ss://{b64(LOGIN + '@vpn.example:8388', 'standard').rstrip('=')}#Name\n",
    ],
)
def test_every_form_gives_the_same_target(key: str) -> None:
    aim = parse_target(key, {"transport": "both"})
    check = aim.check
    assert (check.name, check.host, check.port) == ("shadowsocks", "vpn.example", 8388)
    assert (check.method, check.transport) == ("chacha20-ietf-poly1305", "both")
    assert check.password.get_secret_value() == SECRET
    assert aim.url == "shadowsocks://vpn.example:8388"
    assert secrets_of(check) == ("password",)
    for part in (SECRET, "hunter2", b64(LOGIN)[:40]):
        assert part not in mask(key) + repr(aim)


def test_an_address_of_either_family_can_stand_in_it() -> None:
    for host in ("192.0.2.1", "[2001:db8::1]"):
        for key in (f"{b64(LOGIN)}@{host}:1", b64(f"{LOGIN}@{host}:1")):
            assert parse_target(f"ss://{key}").url == f"shadowsocks://{host}:1"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("ss://", "is no access key"),
        ("ss://hunter2", "is no access key"),
        (f"ss://{b64('hunter2')}@vpn.example:1", "is no access key"),
        (f"ss://{b64(LOGIN)}@vpn.example", "is no access key"),
        (f"ss://{b64(LOGIN + '@vpn.example:1?to=192.0.2.1:1')}", "is no access key"),
        (f"ss://{b64(LOGIN)}@vpn.example:1/?plugin=v2ray-plugin%3Btls", "plugin 'v2ray-plugin'"),
        (f"ss://{b64('rc4-md5:hunter2')}@vpn.example:1", "aes-256-gcm"),
        (f"ss://{b64(LOGIN)}@vpn.example:99999", "is no URL"),
    ],
)
def test_what_is_no_key_is_told_without_repeating_it(key: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        parse_target(key)
    assert "hunter2" not in str(caught.value)
    assert b64(LOGIN)[:40] not in str(caught.value)


def test_in_a_configuration_it_is_a_target_like_others() -> None:
    section = TargetSection(url=f"ss://{b64(LOGIN)}@vpn.example:8388")
    assert section.default_feature == "shadowsocks"
    with pytest.raises(OptionError, match="did you mean 'transport'"):
        parse_target(f"ss://{b64(LOGIN)}@vpn.example:8388", {"tarnsport": "udp"})


@fuzzed
@given(st.text(max_size=80))
def test_anything_at_all_is_a_url_or_is_refused(text: str) -> None:
    try:
        found = read_access_key(f"ss://{text}", "shown")
    except ValueError as exc:
        assert str(exc).startswith("'shown'")
    else:
        assert found.startswith("shadowsocks://")
