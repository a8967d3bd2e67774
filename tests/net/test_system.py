"""probe.net.system: getaddrinfo may hang; nothing else does because of it."""

import asyncio
import socket
import subprocess
import sys
import threading
import time

import pytest

from probe.net.system import SystemResolver


def answer(*ips: str) -> list:
    """As getaddrinfo gives it."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 0)) for ip in ips]


class Slow:
    """Names that begin with ``slow`` hang until they are let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[str] = []
        self._entered = threading.Semaphore(0)

    def __call__(self, host: str, *_: object, **__: object) -> list:
        self.asked.append(host)
        self._entered.release()
        if host.startswith("slow"):
            self.let_go.wait(30)
        return answer("192.0.2.1")

    async def entered(self, times: int = 1) -> None:
        """Until it has been asked so many times more."""
        for _ in range(times):
            assert await asyncio.to_thread(self._entered.acquire, timeout=60)


async def test_addresses_come_in_the_resolvers_order_each_once() -> None:
    given = answer("192.0.2.2", "192.0.2.1", "192.0.2.2")
    resolver = SystemResolver(getaddrinfo=lambda *_, **__: given)
    assert await resolver.lookup("a.example") == ("192.0.2.2", "192.0.2.1")


async def test_a_literal_is_given_back_unasked() -> None:
    resolver = SystemResolver(getaddrinfo=pytest.fail)
    assert await resolver.lookup("2001:db8::1") == ("2001:db8::1",)


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        UnicodeError("label too long"),
    ],
    ids=repr,
)
async def test_its_errors_come_unchanged(error: Exception) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    resolver = SystemResolver(threads=1, getaddrinfo=failing)
    for _ in range(3):  # and free their thread
        with pytest.raises(type(error)) as caught:
            await resolver.lookup("a.example")
        assert caught.value is error


async def test_a_hanging_lookup_blocks_neither_the_others_nor_the_loop() -> None:
    slow = Slow()
    resolver = SystemResolver(threads=2, getaddrinfo=slow)
    hanging = asyncio.create_task(resolver.lookup("slow.example"))
    await slow.entered()
    for _ in range(10):
        assert await resolver.lookup("quick.example") == ("192.0.2.1",)
    assert not hanging.done()
    slow.let_go.set()
    assert await hanging == ("192.0.2.1",)


async def test_no_more_threads_than_allowed_hang_at_once() -> None:
    slow = Slow()
    resolver = SystemResolver(threads=2, getaddrinfo=slow)
    hanging = [asyncio.create_task(resolver.lookup(f"slow{n}.example")) for n in range(2)]
    await slow.entered(2)
    waiting = asyncio.create_task(resolver.lookup("quick.example"))
    await asyncio.sleep(0.02)
    assert len(slow.asked) == 2
    slow.let_go.set()
    assert await waiting == ("192.0.2.1",)
    await asyncio.gather(*hanging)


async def test_a_lookup_that_was_given_up_holds_its_thread_until_it_ends() -> None:
    slow = Slow()
    resolver = SystemResolver(threads=1, getaddrinfo=slow)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await resolver.lookup("slow.example")
    with pytest.raises(TimeoutError):  # it waits for the one thread, and gives that up as well
        async with asyncio.timeout(0.02):
            await resolver.lookup("quick.example")
    assert slow.asked == ["slow.example"]
    slow.let_go.set()
    assert await resolver.lookup("quick.example") == ("192.0.2.1",)


SCRIPT = """
import asyncio, time
from probe.net.system import SystemResolver

async def main():
    resolver = SystemResolver(getaddrinfo=lambda *_, **__: time.sleep(60))
    try:
        async with asyncio.timeout(0.05):
            await resolver.lookup("hangs.example")
    except TimeoutError:
        print("gave up", flush=True)

asyncio.run(main())
"""


def test_a_hanging_lookup_does_not_keep_the_program_from_ending() -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "gave up\n", "")
    assert time.monotonic() - started < 50  # the lookup hangs for a minute


async def test_a_lookup_that_outlives_its_loop_is_silent() -> None:
    slow = Slow()
    resolver = SystemResolver(getaddrinfo=slow)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await resolver.lookup("slow.example")

    def another_loop() -> None:
        asyncio.run(give_up())

    thread = threading.Thread(target=another_loop)
    thread.start()
    await asyncio.to_thread(thread.join)
    workers = [t for t in threading.enumerate() if t.name == "getaddrinfo"]
    slow.let_go.set()
    for worker in workers:
        await asyncio.to_thread(worker.join, 60)
        assert not worker.is_alive()
