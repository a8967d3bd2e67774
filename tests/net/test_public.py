"""probe.net.public: which authorities the public trusts, and which a file names."""

import hashlib
import ssl
from pathlib import Path

from support.authority import ca_file, known_to_browsers

from probe.net.public import authorities_in, public_list, public_roots


def test_the_public_list_is_there_and_no_authority_of_the_tests_is_on_it() -> None:
    assert len(public_roots()) == len(public_list()) > 80
    assert not public_roots() & authorities_in(ca_file())
    with known_to_browsers():
        assert public_roots() == authorities_in(ca_file())


def test_every_certificate_in_a_file_is_told_by_its_hash(tmp_path: Path) -> None:
    one = Path(ca_file()).read_text()
    der = ssl.PEM_cert_to_DER_cert(one[one.index("-----BEGIN CERT") :])
    both = tmp_path / "both.pem"
    both.write_text(f"what stands between is no matter\n{one}\n{one}")
    assert authorities_in(str(both)) == {hashlib.sha256(der).hexdigest()}
    both.write_text("nothing")
    assert authorities_in(str(both)) == frozenset()
