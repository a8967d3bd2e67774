"""Headless Chromium without any network, spoken to over a pipe in its DevTools protocol.

Its proxy is a listener on this machine that answers nobody and counts who came: whatever the
browser wants to fetch shows there, and gets no further.
"""

import base64
import fcntl
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from support.programs import program

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--disable-features=OptimizationHints,MediaRouter,Translate",
    "--no-first-run",
    "--no-pings",
    "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no name is ever looked up
)
_PATIENCE: Final = 240.0  # seconds until a browser is ended, whatever it does


class Listener:
    """Takes connections, keeps the first line of what each says, and closes them."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.asked: list[str] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(2)
                try:
                    line = peer.recv(4096).partition(b"\r\n")[0].decode("latin-1")
                except OSError:
                    line = "silence"
                if line:
                    self.asked.append(line)

    def close(self) -> None:
        """Stop; who still waits for an answer gets none."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


class Browser:
    """One page after the other; ``said`` is what pages wrote on the console, errors among it."""

    def __init__(self, reading: int, writing: int, listener: Listener) -> None:
        self._in = os.fdopen(reading, "rb")
        self._out = os.fdopen(writing, "wb", buffering=0)
        self._number = 0
        self._session: str | None = None
        self._waiting = b""
        self.said: list[str] = []
        self.wanted: list[str] = []
        self.listener = listener

    def close(self) -> None:
        self._in.close()
        self._out.close()

    def open(self, page: Path | str, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Show a file or an address in a window of this size, and wait until it is drawn."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.go(page if isinstance(page, str) else page.as_uri())

    def go(self, url: str) -> None:
        """Go on to another address in the same window."""
        self.call("Page.navigate", url=url)
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives in the page."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, *, whole: bool = False) -> bytes:
        """A PNG of the window, or of the page from top to bottom."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def printed(self) -> bytes:
        """The page as a PDF on A4."""
        answer = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(answer["data"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session and not method.startswith("Target."):
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            piece = os.read(self._in.fileno(), 1 << 20)
            assert piece, "the browser is gone"
            self._waiting += piece
        line, _, self._waiting = self._waiting.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, about: dict[str, Any]) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.wanted.append(about["request"]["url"])
            case "Log.entryAdded":
                self.said.append(about["entry"]["text"])
            case "Runtime.consoleAPICalled":
                self.said.append(str(about["args"]))
            case "Runtime.exceptionThrown":
                self.said.append(str(about["exceptionDetails"]))
            case "Page.javascriptDialogOpening":
                self.said.append(f"dialog: {about['message']}")


@contextmanager
def chromium(folder: Path, reaches: str | None = None) -> Iterator[Browser]:
    """A browser with a profile of its own in this folder; skipped where there is none.

    It reaches nothing, or only the address and port ``reaches``.
    """
    path = program("chromium")
    listener = Listener()
    to_browser, from_us = _pipe()
    to_us, from_browser = _pipe()
    # The browser reads its descriptor 3 and writes to 4.
    command = f'exec {path} "$@" 3<&{to_browser} 4>&{from_browser}'
    process = subprocess.Popen(
        [
            "bash",
            "-c",
            command,
            "chromium",
            *_FLAGS,
            f"--user-data-dir={folder / 'profile'}",
            f"--proxy-server=127.0.0.1:{listener.port}",
            f"--proxy-bypass-list=<-loopback>{';' + reaches if reaches else ''}",
        ],
        pass_fds=(to_browser, from_browser),
        env={"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(to_browser)
    os.close(from_browser)
    # A browser that says nothing more must not hold up all other tests.
    limit = threading.Timer(_PATIENCE, _end, [process])
    limit.start()
    browser = Browser(to_us, from_us, listener)
    try:
        yield browser
    finally:
        limit.cancel()
        browser.close()
        _end(process)
        process.wait()
        listener.close()


def _pipe() -> tuple[int, int]:
    """A pipe of which neither end is the descriptor 3 or 4."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high[0], high[1]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End it with all processes that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
