"""probe.run.process: what goes on beside a service."""

import asyncio
from types import SimpleNamespace

from support.virtual import run_virtual

from probe.run.process import STUCK, Process


class Told:
    """A notifier that remembers what it was told, and when."""

    watchdog = 10.0

    def __init__(self):
        self.signs = []

    def alive(self):
        self.signs.append(asyncio.get_running_loop().time())


def test_a_watchdog_is_fed_only_while_the_schedule_does_what_is_due():
    service, told = SimpleNamespace(behind=0.0), Told()

    async def main():
        process = Process(service, notifier=told)
        feeding = asyncio.create_task(process._feed(5.0))
        await asyncio.sleep(99)
        service.behind = STUCK
        await asyncio.sleep(100)
        service.behind = 0.0
        await asyncio.sleep(101)
        feeding.cancel()

    run_virtual(main())
    assert len([at for at in told.signs if at < 100]) == 20
    assert [at for at in told.signs if 100 <= at < 199] == []
    assert len([at for at in told.signs if at >= 199]) >= 20
