"""Certificates once, servers and a probe for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from loopback.probing import Probe
from loopback.servers import Certificates, Loopback


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def loopback(certificates: Certificates) -> AsyncIterator[Loopback]:
    async with Loopback(certificates) as started:
        yield started


@pytest.fixture
def probe(certificates: Certificates, tmp_path: Path) -> Probe:
    return Probe(tmp_path, certificates.ca_file)
