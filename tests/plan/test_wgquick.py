"""probe.plan.wgquick: which servers wg-quick's files name, and that no key is used unasked."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed

from probe.core.strictyaml import ConfigError
from probe.plan.profile import is_profile, read_profile
from probe.plan.wgquick import read

PRIVATE = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
PUBLIC = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
PSK = "/UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak="
OWN = {"dedicated_key": True}
FILE = f"""\
# given out by the office
[Interface]
Address = 10.0.0.2/32
PrivateKey = {PRIVATE}
DNS = 1.1.1.1
PostUp = touch /tmp/should-never-exist

[Peer]
PublicKey = {PUBLIC}
presharedkey = {PSK}   # small letters do as well
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = vpn.example.net:51820

[peer]
PublicKey = {PUBLIC}
Endpoint = [2001:db8::1]:4500
"""


def checks(text: str, **options: Any) -> list[Any]:
    return [aim.check for aim in read(text, Path(), {**OWN, **options})]


def test_every_peer_with_an_endpoint_is_a_target_that_holds_its_keys() -> None:
    first, second = checks(FILE)
    assert (first.host, first.port, first.public_key) == ("vpn.example.net", 51820, PUBLIC)
    assert first.private_key.get_secret_value() == PRIVATE
    assert first.psk.get_secret_value() == PSK
    assert (second.host, second.port, second.psk) == ("2001:db8::1", 4500, None)


def test_it_is_shown_to_nobody_and_no_key_is_in_its_url() -> None:
    for aim in read(FILE, Path(), OWN):
        assert aim.private
        assert not any(secret in repr(aim) for secret in (PRIVATE, PSK))


def test_options_of_the_users_own_go_to_the_check() -> None:
    assert {check.addresses for check in checks(FILE, addresses="192.0.2.1")} == {("192.0.2.1",)}


def test_the_name_server_inside_is_sent_packets_by_whoever_leads_there() -> None:
    first, second = checks(FILE)
    assert (first.tunnel_address, first.tunnel_peer) == ("10.0.0.2", "1.1.1.1")
    assert second.tunnel_peer is None  # it leads nowhere


@pytest.mark.parametrize(
    ("address", "dns", "allowed", "inside"),
    [
        ("10.0.0.2/24", "lan.example, 10.0.0.1", "10.0.0.0/24", ("10.0.0.2", "10.0.0.1")),
        ("10.0.0.2, fd00::2/64", "fd00::1", "::/0", ("fd00::2", "fd00::1")),
        ("10.0.0.2", "10.1.0.1", "10.0.0.1/24", (None, None)),
        ("10.0.0.2", "fd00::1", "0.0.0.0/0, ::/0", (None, None)),
        ("10.0.0.2", "10.0.0.2", "0.0.0.0/0", (None, None)),
        ("ten", "1.1.1.1", "0.0.0.0/0", (None, None)),
    ],
)
def test_only_an_address_that_the_tunnel_leads_to_is_one(
    address: str, dns: str, allowed: str, inside: Any
) -> None:
    text = FILE.replace("10.0.0.2/32", address).replace("DNS = 1.1.1.1", f"DNS = {dns}")
    first, _ = checks(text.replace("0.0.0.0/0, ::/0", allowed))
    assert (first.tunnel_address, first.tunnel_peer) == inside


def test_the_users_own_word_on_packets_counts_more() -> None:
    assert checks(FILE, data=0)[0].data == 0
    options = {"tunnel_address": "10.0.0.2", "tunnel_peer": "10.0.0.9"}
    assert {check.tunnel_peer for check in checks(FILE, **options)} == {"10.0.0.9"}


@pytest.mark.parametrize("options", [{}, {"dedicated_key": False}, {"dedicated_key": "yes"}])
def test_without_the_owners_word_the_key_is_not_used(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="takes the tunnel away from whoever uses it") as refused:
        read(FILE, Path(), options)
    assert PRIVATE not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", r"has no \[Interface\]"),
        (FILE + FILE, r"more than one \[Interface\]"),
        (FILE.replace("PrivateKey", "Private"), r"line 2: \[Interface\] has no PrivateKey"),
        (FILE.replace(PRIVATE, "c2hvcnQ="), "line 2: privatekey of this section: a key is 32"),
        (FILE.replace(PSK, "no base64!"), "line 8: presharedkey of this section: a key is 32"),
        (FILE.replace(f"PublicKey = {PUBLIC}\npre", "pre"), r"line 8: \[Peer\]: has no PublicKey"),
        (FILE.replace("Endpoint", "Begin"), r"there is no \[Peer\] with an Endpoint"),
        (FILE.replace(":51820", ""), "line 8: .* is no host and port"),
        (FILE.replace(":51820", ":" + "9" * 5000), "line "),
        (FILE.replace("vpn.example.net", "a?private_key_file=/etc/passwd"), "line 8"),
        ("x = y\n" + FILE, "line 1: is no 'Key = value' in a section"),
        ("[Other]\n" + FILE, r"line 1: there are \[Interface\] and \[Peer\] only"),
        ("[Interface]\njust words\n", "line 2: is no"),
        ("#" + "x" * 5000, "line 1: longer than 4096"),
        (FILE + f"[Peer]\nPublicKey={PUBLIC}\nEndpoint=a.example:1\n" * 64, "more than 64 servers"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line_and_without_a_key(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        read(text, Path(), OWN)
    assert PRIVATE[:12] not in str(refused.value)
    assert PSK[:12] not in str(refused.value)


def test_nothing_in_it_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    checks(FILE.replace("/tmp/should-never-exist", str(mark)))
    assert not mark.exists()


def test_it_is_read_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "office.CONF"
    path.write_text(FILE)
    assert is_profile(path)
    assert len(read_profile(path, OWN)) == 2
    with pytest.raises(ConfigError, match=r"office\.CONF: dedicated_key: its key would be used"):
        read_profile(path, {})


@fuzzed
@given(st.text(max_size=300), st.integers(0, len(FILE)))
def test_anything_else_is_a_value_error(text: str, at: int) -> None:
    for hostile in (text, FILE[:at] + text + FILE[at:]):
        with contextlib.suppress(ValueError):
            read(hostile, Path(), OWN)
