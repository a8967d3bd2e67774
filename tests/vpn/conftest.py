"""Certificates and a probe, as the loopback tests have them."""

from pathlib import Path

import pytest
from loopback.servers import Certificates
from vpn.outcome import Probe


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    return Probe(tmp_path / "objects")
