"""Six records that OONI published. They are not part of the project: they lie beside it."""

import os
from pathlib import Path

import pytest
from support.command import PROJECT

from probe.judge.deciding import deciding
from probe.record.ooni import Found, Malformed, read_ooni, record_lines

PUBLISHED = PROJECT.parent / "shared" / "fixtures" / "ooni"


@pytest.fixture(scope="module")
def published() -> Path:
    if not PUBLISHED.is_dir():
        reason = "../shared/fixtures/ooni is not there: nothing was tried on published records"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return PUBLISHED


def only(path: Path) -> Found | Malformed:
    (item,) = read_ooni(record_lines(path))
    return item


@pytest.mark.parametrize(
    ("name", "measured", "failed"),
    [
        ("whatsapp", 35, []),
        ("signal_022", 5, []),
        ("web_connectivity_ir_fp", 4, [("connect", "generic_timeout_error")]),
        ("web_connectivity_null", 1, [("connect", "generic_timeout_error")]),
    ],
)
def test_published_records_are_read(
    published: Path, name: str, measured: int, failed: list[tuple[str, str]]
) -> None:
    item = only(published / f"{name}.json")
    assert isinstance(item, Found)
    assert len(item.measurements) == measured
    own = [deciding(m) for m in item.measurements if m.origin == "vantage"]
    assert [(d.failed.op, d.failed.failure) for d in own if d and d.failed] == failed
    assert all(d and (d.succeeded or d.failed) for d in own)


def test_whatsapp_has_each_of_its_servers_once(published: Path) -> None:
    """OONI called this one blocked for a status that the page had changed."""
    item = only(published / "whatsapp.json")
    assert isinstance(item, Found)
    urls = [m.target.url for m in item.measurements]
    servers = {f"tcp://e{n}.whatsapp.net:{port}" for n in range(1, 17) for port in (443, 5222)}
    assert set(urls) > servers
    assert len(set(urls)) == len(urls)


@pytest.mark.parametrize(
    ("name", "said"), [("telegram_nourl", "url"), ("test_keys_none", "test_keys")]
)
def test_published_records_that_lack_what_is_needed_are_malformed(
    published: Path, name: str, said: str
) -> None:
    item = only(published / f"{name}.json")
    assert isinstance(item, Malformed)
    assert said in item.reason
