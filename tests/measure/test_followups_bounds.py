"""probe.measure.followups: in which time, how many, and not two at one decoy at once."""

import asyncio
import itertools

import pytest
from support.investigating import (
    DECOY,
    RESET,
    SECOND,
    TARGET,
    TIMEOUT,
    WITHIN,
    World,
    by_name,
    failed,
    hello,
    honest,
    job,
    valid_control,
)
from support.records import resolve, step
from support.servers import Serve, silent
from support.virtual import run_virtual

from probe.core.address import Endpoint
from probe.judge import followups as f
from probe.measure.followups import MOST
from probe.net.fake import FakePeer


def test_an_investigation_ends_in_its_time_and_keeps_what_it_had_until_then() -> None:
    world = World(tcp={DECOY: by_name(honest(), silent)})
    evidence = hello(RESET)
    assert run_virtual(world._investigate(evidence, 2.0)) == pytest.approx(2.0)
    assert world.kinds == [f.NEUTRAL_AT_DECOY, f.NAME_AT_DECOY]
    assert world.recorded[-1].steps[-1].failure == "interrupted"
    assert world.quarantine.remaining(DECOY) > 0


@pytest.mark.parametrize("within", [0.0, -5.0])
def test_with_no_time_left_nothing_is_recorded(within: float) -> None:
    world = World(tcp={DECOY: silent})
    assert world.investigate(hello(RESET), within) == []


def test_the_worst_failure_costs_no_more_measurements_than_allowed() -> None:
    """Every reason to look closer at once, and nothing that ever answers."""
    world = World(
        tcp=dict.fromkeys((DECOY, SECOND, TARGET), silent),
        udp=dict.fromkeys((Endpoint(d.ip, 53) for d in (DECOY, SECOND)), silent),
        decoys=(DECOY, SECOND),
    )
    data = [{"type": "A", "data": f"93.184.1.{n}"} for n in range(1, 60)]
    evidence = failed(
        [
            resolve(answers=data),
            *(
                step(op, n, failure)
                for n, (op, failure) in enumerate(
                    [("connect", None), ("tls_handshake", RESET), ("transfer", TIMEOUT)], 2
                )
            ),
        ],
        **valid_control("93.184.9.9"),
    )
    took = run_virtual(world._investigate(evidence, WITHIN))
    assert took <= WITHIN
    assert 0 < len(world.recorded) <= MOST


def test_two_experiments_do_not_share_a_decoy_at_one_time() -> None:
    under_way, most = itertools.count(), []
    open_ = set()

    def counted(serve: Serve) -> Serve:
        async def count(peer: FakePeer) -> None:
            this = next(under_way)
            open_.add(this)
            most.append(len(open_))
            try:
                await asyncio.sleep(0.1)
                await serve(peer)
            finally:
                open_.discard(this)

        return count

    world = World(tcp={DECOY: counted(honest())})
    evidence = hello(RESET)

    async def main() -> None:
        investigate = world.tools.investigate
        await asyncio.gather(*(investigate(job(evidence), evidence, WITHIN) for _ in range(3)))

    run_virtual(main())
    assert world.kinds.count(f.NAME_AT_DECOY) == 3
    assert max(most) == 1
