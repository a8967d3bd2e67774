"""probe.net.identity: what a context shows stood in no file, and leaves none behind."""

import os
import ssl
import tempfile
from pathlib import Path

import pytest
from support.client_certificate import TunnelAuthority

from probe.core.strictyaml import ConfigError
from probe.net.identity import Identity
from probe.net.trust import Policy, Trust


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    certificate, key = TunnelAuthority(tmp_path / "authority")("a user")
    return Identity(Path(certificate).read_text(), Path(key).read_text())


def shown(context: ssl.SSLContext, authority: Path) -> str:
    """The name in the certificate that a server is shown."""
    certificate, key = TunnelAuthority(authority)("a server", server=True)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.maximum_version = ssl.TLSVersion.TLSv1_2
    serving.load_cert_chain(certificate, key)
    serving.load_verify_locations(authority.parent / "authority" / "ca.pem")
    serving.verify_mode = ssl.CERT_REQUIRED
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        context.wrap_bio(down, up, server_side=False),
        serving.wrap_bio(up, down, server_side=True),
    )
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return dict(part[0] for part in ends[1].getpeercert()["subject"])["commonName"]  # type: ignore[index]


@pytest.mark.parametrize("memory", [True, False])
def test_a_server_is_shown_it_and_no_file_is_left(
    identity: Identity, memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "tmp"
    empty.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(empty))
    if not memory:
        monkeypatch.delattr(os, "memfd_create")
    context = Trust().prepare(Policy(verify=False, authorities="", identity=identity))
    assert shown(context, tmp_path / "other") == "a user"
    assert list(empty.iterdir()) == []


def test_a_key_of_another_certificate_is_refused_without_a_word_of_it(
    identity: Identity, tmp_path: Path
) -> None:
    other = Path(TunnelAuthority(tmp_path / "other")("another")[1]).read_text()
    for chain, key in ((identity.chain, other), (identity.chain, ""), ("", identity.key)):
        with pytest.raises(ConfigError, match="needs a certificate") as caught:
            Identity(chain, key).show_in(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        assert other.splitlines()[1] not in str(caught.value)


def test_the_key_does_not_show(identity: Identity) -> None:
    assert identity.key.splitlines()[1] not in repr(Policy(identity=identity))
