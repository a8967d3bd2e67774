"""probe.measure.followups: transfers, and what goes to the target's own address or beside it."""

import asyncio

import pytest
from support.authority import serving
from support.investigating import (
    DECOY,
    NAME,
    NEUTRAL,
    RESET,
    TARGET,
    TIMEOUT,
    WITHIN,
    World,
    by_name,
    hello,
    honest,
    job,
    stalled,
)
from support.records import measured, step
from support.servers import accepting, page, silent, tls
from support.virtual import DAY, VirtualClock, run_virtual

from probe.judge import followups as f
from probe.measure.quarantine import Quarantine

# --- transfers -----------------------------------------------------------------------------------


def test_transfers_are_interleaved_on_one_line_in_three_rounds() -> None:
    size = 64 * 1024
    world = World(tcp={DECOY: honest(b"x" * size), TARGET: tls(serving(NAME), page(b"x" * size))})
    kinds = world.investigate(stalled())
    turn = [f.TRANSFER_FROM_TARGET, f.TRANSFER_NEUTRAL, f.TRANSFER_NAME]
    assert kinds == turn * 3
    assert [m.trial for m in world.recorded] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert world.names() == [NAME, NEUTRAL, NAME] * 3
    assert world.net.dialled == [TARGET, DECOY, DECOY] * 3
    assert world.failures() == [None] * 9


def test_the_token_for_the_decoy_s_bytes_is_in_no_record() -> None:
    size = 64 * 1024
    world = World(tcp={DECOY: honest(b"x" * size), TARGET: tls(serving(NAME), page(b"x" * size))})
    world.investigate(stalled())
    assert f"/bytes/{size}" in repr(world.recorded)
    assert "t0ken" not in repr(world.recorded)


# --- at the target's own address -----------------------------------------------------------------


def test_neutral_packets_go_to_the_target_s_address_only_when_it_has_rested() -> None:
    world = World(tcp={TARGET: accepting})
    evidence = hello(RESET)
    here = job(evidence)

    async def main() -> None:
        world.quarantine.anomaly(evidence.trial)
        assert await world.tools.at_targets(here, "now", evidence.trial) == ()
        assert world.net.dialled == []
        await asyncio.sleep(world.quarantine.remaining(TARGET))
        await world.tools.at_targets(here, "now", evidence.trial)

    run_virtual(main())
    assert world.kinds == [f.HARMLESS_AT_TARGET, f.NEUTRAL_AT_TARGET]
    assert world.net.dialled == [TARGET, TARGET]
    assert world.names() == [NEUTRAL]
    assert {m.cycle for m in world.recorded} == {"now"}


def test_a_one_off_check_waits_for_a_rest_that_ends_in_time_and_for_no_longer_one() -> None:
    world = World(tcp={TARGET: accepting}, decoys=())
    world.quarantine = world.tools.quarantine = Quarantine(VirtualClock().monotonic, 20.0)
    evidence = hello(RESET)

    async def main() -> None:
        world.quarantine.anomaly(evidence.trial)
        await world.tools.investigate(job(evidence), evidence, 19.0)
        assert world.recorded == []
        await world.tools.investigate(job(evidence), evidence, 60.0)
        assert world.kinds[0] == f.HARMLESS_AT_TARGET
        assert (world.recorded[0].started - DAY).total_seconds() == pytest.approx(20.0)

    run_virtual(main())


def test_a_neutral_twin_goes_to_the_decoy_and_to_none_that_rests() -> None:
    world = World(tcp={DECOY: honest()})
    evidence = hello(TIMEOUT)

    async def main() -> None:
        await world.tools.twin(job(evidence), "now", evidence.trial, 2)
        world.quarantine.anomaly(
            measured("tls", [step("tls_handshake", 1, RESET, address=str(DECOY))])
        )
        assert await world.tools.twin(job(evidence), "now", evidence.trial, 3) == ()

    run_virtual(main())
    assert [(m.followup, m.trial) for m in world.recorded] == [(f.NEUTRAL_TWIN, 2)]
    assert world.names() == [NEUTRAL]


def test_a_twin_does_not_wait_out_the_rest_that_another_target_s_silence_began() -> None:
    world = World(tcp={DECOY: by_name(honest(), silent)})
    evidence = hello(TIMEOUT)

    async def main() -> float:
        loop = asyncio.get_running_loop()
        first = asyncio.create_task(world.tools.investigate(job(evidence), evidence, WITHIN))
        await asyncio.sleep(0.5)
        assert world.kinds == [f.NEUTRAL_AT_DECOY]  # the silent name is on its way now
        await world.tools.twin(job(evidence), "now", evidence.trial, 2)
        took = loop.time()
        await first
        return took

    assert run_virtual(main()) < 60
