"""probe.checks: the table of checks, and what each says that it sends."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest
from support.examples import example
from support.kits import run_check

from probe import checks
from probe.checks import BUILT_IN, load
from probe.checks.sending import Sending
from probe.net.fake import FakeNetwork


@dataclasses.dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """A check that another distribution brings."""

    name: ClassVar[str] = "gopher"
    default_port: ClassVar[int | None] = 70
    host: str
    port: int


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Lets it seem as if a distribution with that check were installed."""

    def found(name: str) -> None:
        entry = EntryPoint(name, f"{__name__}:Elsewhere", "probe.checks")
        monkeypatch.setattr(checks, "entry_points", lambda group: [entry] if group else [])

    load.cache_clear()
    yield found
    load.cache_clear()


def test_an_installed_check_stands_beside_the_built_in_ones(install) -> None:
    install("gopher")
    assert list(load()) == [*BUILT_IN, "gopher"]
    assert load()["gopher"] is Elsewhere
    assert len(load()) == len(BUILT_IN) + 1


def test_an_installed_check_takes_no_name_in_use(install) -> None:
    install("tls")
    with pytest.raises(ValueError, match=r"the check 'tls' of .*:Elsewhere"):
        load()


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_check_is_a_frozen_dataclass_under_its_scheme(name: str) -> None:
    check = load()[name]
    assert check.name == name
    assert {"host", "port"} <= {field.name for field in dataclasses.fields(check)}
    made = example(name)
    with pytest.raises((AttributeError, TypeError)):
        made.host = "b.example"


@pytest.mark.parametrize(
    ("name", "options", "sendings"),
    [
        ("dns", {"port": 53}, []),
        ("tcp", {"port": 5222},
         [Sending("a.example", 5222, "tcp", "TCP connection, closed without data")]),
        ("tls", {"port": 443},
         [Sending("a.example", 443, "tcp", "TLS handshake, server name a.example in clear")]),
        ("tls", {"port": 443, "sni": "b.example"},
         [Sending("a.example", 443, "tcp", "TLS handshake, server name b.example in clear")]),
        ("https", {"port": 443, "path": "/secret"},
         [Sending("a.example", 443, "tcp", "HTTPS request, server name a.example in clear")]),
        ("http", {"port": 80, "path": "/p?token=hunter2"},
         [Sending("a.example", 80, "tcp", "HTTP request for /p?token=***, all of it in clear")]),
    ],
)  # fmt: skip
def test_a_check_says_what_it_would_send(name: str, options: dict, sendings: list) -> None:
    assert list(example(name, **options).sends()) == sendings


@pytest.mark.parametrize("name", BUILT_IN)
def test_without_a_network_every_check_ends_with_a_failed_lookup(name: str) -> None:
    done = run_check(example(name), FakeNetwork(down=True))
    assert done.ops() == [("resolve", 1, "dns_temporary_failure")]


def test_a_check_is_imported_only_when_it_is_asked_for() -> None:
    code = "import sys; from probe.checks import load; load()['tcp']; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith("probe.checks.")}
    assert "probe.checks.tcp" in loaded
    assert not loaded & {"probe.checks.http", "probe.checks.tls", "probe.checks.ikev2"}
