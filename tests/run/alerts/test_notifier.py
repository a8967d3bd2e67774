"""probe.run.alerts.notifier: the real Apprise, and services that take, refuse, or hang."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.sink import sink

from probe.core.strictyaml import ConfigError
from probe.run.alerts import notifier as module
from probe.run.alerts.notifier import AppriseNotifier, Delivery

pytestmark = pytest.mark.timeout(180)
SECRET = "hunter2"


def url(port):
    return f"json://me:{SECRET}@127.0.0.1:{port}/{SECRET}"


async def test_a_message_is_delivered_as_it_is():
    text = "<b>pigeon</b> _text_: ok → blocked 中文\nsecond line"
    with sink() as server:
        found = await AppriseNotifier().send(url(server.port), "a title", text)
    assert found == Delivery(True, "JSON")
    assert [(got["title"], got["message"]) for got in server.got] == [("a title", text)]


async def test_a_service_that_refuses_or_is_not_there_is_told():
    with sink(403) as server:
        found = await AppriseNotifier().send(url(server.port), "t", "b")
        port = server.port
    assert found == Delivery(False, "JSON", "refused, or not reached")
    assert len(server.got) == 1
    assert not (await AppriseNotifier().send(url(port), "t", "b")).delivered
    assert SECRET not in repr(found)


async def test_an_address_that_lacks_something_is_told_without_it():
    found = await AppriseNotifier().send("tgram://hunter2/", "t", "b")
    assert not found.delivered
    assert SECRET not in repr(found)


async def test_what_hangs_is_killed_and_knows_no_more_than_it_must(monkeypatch):
    monkeypatch.setenv("PROBE_CONTROL_TOKEN", SECRET)
    with sink(None) as server:
        sending = asyncio.create_task(AppriseNotifier().send(url(server.port), "t", "b"))
        assert await asyncio.to_thread(server.came.wait, 60)
        # Its process hangs now. The address is neither on its command line nor in its environment.
        (child,) = children()
        line, environment = (proc(child, name) for name in ("cmdline", "environ"))
        assert b"probe.run.alerts.deliver" in line
        assert SECRET.encode() not in line + environment
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert children() == []


def test_a_sandbox_that_forbids_to_be_nice_is_no_reason_to_be_silent():
    forbidden = "import os\ndef no(_): raise PermissionError\nos.nice = no\n"
    code = forbidden + "from probe.run.alerts.deliver import main\nmain()\n"
    with sink() as server:
        asked = json.dumps({"url": url(server.port), "title": "t", "body": "b"}).encode()
        done = subprocess.run(
            [sys.executable, "-c", code], input=asked, capture_output=True, timeout=120, check=False
        )
    assert json.loads(done.stdout) == {"service": "JSON", "delivered": True}
    assert len(server.got) == 1


async def test_the_deadline_is_kept():
    with sink(None) as server:
        found = await AppriseNotifier(deadline=0.2).send(url(server.port), "t", "b")
    assert found == Delivery(False, reason="no answer within 0.2 s")
    assert children() == []


def proc(pid, name):
    """What the kernel tells of a process; nothing once it has gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def children():
    """The deliverers that this process has started and that have not ended."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    started = (pid for path in tasks for pid in path.read_text().split())
    return sorted(pid for pid in started if b"probe.run.alerts.deliver" in proc(pid, "cmdline"))


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'probe\[alerts\]'"):
        AppriseNotifier()


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b'{"service": "x"}', b"\xff"])
def test_an_answer_that_is_none_is_no_delivery(answer):
    assert module._read(answer) == Delivery(False, reason="the delivery broke off")
