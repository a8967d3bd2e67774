"""probe.checks: the table of checks, and what each says that it sends."""

import dataclasses
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest
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
        entry = EntryPoint(name, "elsewhere:Elsewhere", "probe.checks")
        monkeypatch.setattr(EntryPoint, "load", lambda _: Elsewhere)
        monkeypatch.setattr(checks, "entry_points", lambda group: [entry] if group else [])

    load.cache_clear()
    yield found
    load.cache_clear()


def test_an_installed_check_stands_beside_the_built_in_ones(install) -> None:
    install("gopher")
    assert load() == {**BUILT_IN, "gopher": Elsewhere}


def test_an_installed_check_takes_no_name_in_use(install) -> None:
    install("tls")
    with pytest.raises(ValueError, match="the check 'tls' of elsewhere:Elsewhere"):
        load()


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_check_is_a_frozen_dataclass_under_its_scheme(name: str) -> None:
    check = BUILT_IN[name]
    assert check.name == name
    assert {"host", "port"} <= {field.name for field in dataclasses.fields(check)}
    made = check(host="a.example", port=check.default_port or 1)
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
    assert list(BUILT_IN[name](host="a.example", **options).sends()) == sendings


@pytest.mark.parametrize("name", BUILT_IN)
def test_without_a_network_every_check_ends_with_a_failed_lookup(name: str) -> None:
    check = BUILT_IN[name](host="a.example", port=BUILT_IN[name].default_port or 1)
    done = run_check(check, FakeNetwork(down=True))
    assert done.ops() == [("resolve", 1, "dns_temporary_failure")]
