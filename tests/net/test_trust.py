"""probe.net.trust: one context for each policy."""

import hashlib
import ssl
from pathlib import Path

import pytest
from support.authority import ca_file

from probe.core.strictyaml import ConfigError
from probe.net.public import public_roots
from probe.net.trust import Policy, Trust, known_roots


def test_the_same_policy_gets_the_same_context() -> None:
    trust = Trust()
    first = trust.prepare(Policy(alpn=("http/1.1",)))
    assert trust.prepare(Policy(alpn=("http/1.1",))) is first
    assert trust.prepare(Policy()) is not first
    assert Trust().prepare(Policy(alpn=("http/1.1",))) is not first


def test_by_default_everything_is_demanded() -> None:
    context = Trust().prepare(Policy())
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_verification_off_demands_nothing() -> None:
    context = Trust().prepare(Policy(verify=False))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


def test_a_file_adds_to_the_systems_authorities() -> None:
    without = Trust().prepare(Policy())
    with_file = Trust().prepare(Policy(ca_file=ca_file()))
    named = [dict(pair for rdn in c["subject"] for pair in rdn) for c in with_file.get_ca_certs()]
    assert {"commonName": "Embedded Internet Demo CA"} in named
    assert with_file.cert_store_stats()["x509"] == without.cert_store_stats()["x509"] + 1


def test_shipped_roots_are_trusted_in_place_of_all_others_and_the_name_is_demanded() -> None:
    context = Trust().prepare(Policy(roots="signal", ca_file=ca_file()))
    owners = {
        dict(p for rdn in c["subject"] for p in rdn)["commonName"] for c in context.get_ca_certs()
    }
    assert (owners, context.cert_store_stats()["x509"]) == ({"Signal Messenger"}, 2)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_roots_that_do_not_ship_are_a_mistake() -> None:
    assert known_roots("signal") == "signal"
    for name in ("Signal", "../services/whatsapp", ""):
        with pytest.raises(ValueError, match="there are signal"):
            known_roots(name)


def test_a_tunnel_trusts_its_own_authorities_and_demands_no_name() -> None:
    text = Path(ca_file()).read_text()
    context = Trust().prepare(Policy(authorities=text))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, False)
    assert context.cert_store_stats()["x509"] == 1
    nobody = Trust().prepare(Policy(verify=False, authorities=""))
    assert (nobody.verify_mode, nobody.check_hostname) == (ssl.CERT_NONE, False)
    assert nobody.cert_store_stats()["x509"] == 0


def test_of_an_authority_is_told_whether_the_public_trusts_it_and_who_named_it() -> None:
    trust, named = Trust(), ca_file()
    policy = Policy(ca_file=named)
    trust.prepare(policy)
    root = hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(named).read_text())).hexdigest()
    of_target = {"private_root": root, "own_authority": True}
    assert trust.beside_public(root, policy, None) == of_target
    assert trust.beside_public(root, policy, "others.pem") == of_target
    assert trust.beside_public(root, policy, named) == {"private_root": root}
    assert trust.beside_public(root, Policy(), None) == {"private_root": root}
    assert trust.beside_public("0" * 64, policy, None) == {"private_root": "0" * 64}
    assert trust.beside_public(min(public_roots()), policy, None) == {}


@pytest.mark.parametrize("text", ["no PEM", "-----BEGIN CERTIFICATE-----\n\u00e4"])
def test_what_holds_no_authorities_is_a_mistake(text: str) -> None:
    with pytest.raises(ConfigError, match="no certificates in PEM form"):
        Trust().prepare(Policy(authorities=text))


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "empty", "key"])
def test_an_unusable_file_is_a_mistake_in_the_configuration(tmp_path, kind: str) -> None:
    path = tmp_path / "ca.pem"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_text({"text": "no PEM", "empty": "", "key": "-----BEGIN X-----\n"}[kind])
    with pytest.raises(ConfigError) as caught:
        Trust().prepare(Policy(ca_file=str(path)))
    (line,) = caught.value.lines
    assert line.startswith(f"{path}: ")
