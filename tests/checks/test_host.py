"""probe.checks.host: one question at every address, and what is made ready before the first."""

from dataclasses import dataclass, field

import pytest
from support.kits import run_check
from support.servers import accepting

from probe.checks.host import HostCheck
from probe.checks.kit import Kit
from probe.checks.steps import connect
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork

IPS = ("192.0.2.1", "192.0.2.2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking(HostCheck):
    """Connects, and remembers in which order it was called."""

    called: list[str] = field(default_factory=list)

    def _prepare(self, kit: Kit) -> None:
        self.called.append("prepare")

    async def _at(self, kit: Kit, transaction: int, endpoint: Endpoint) -> None:
        self.called.append(endpoint.ip)
        (await connect(kit, transaction, endpoint)).close()


def network() -> FakeNetwork:
    net = FakeNetwork(names={"a.example": IPS})
    net.tcp[Endpoint(IPS[1], 443)] = accepting  # the first refuses
    return net


def test_every_address_is_asked_in_a_transaction_of_its_own_after_all_is_ready() -> None:
    check = Asking(host="a.example", port=443)
    done = run_check(check, network())
    assert check.called == ["prepare", *IPS]
    dialled = [op for op in done.ops() if op[0] == "connect"]
    assert [failure for _, _, failure in dialled] == ["connection_refused", None]
    assert len({transaction for _, transaction, _ in dialled}) == 2


@pytest.mark.parametrize(("lookup", "asked"), [(False, IPS[1:]), (True, IPS[::-1])])
def test_given_addresses_stand_in_place_of_a_lookup_or_beside_it(
    lookup: bool, asked: tuple[str, ...]
) -> None:
    check = Asking(host="a.example", port=443, addresses=IPS[1:], lookup=lookup)
    run_check(check, network())
    assert sorted(check.called[1:]) == sorted(asked)
