"""A headless Chromium, controlled through its debugging pipe without any further package.

https://chromedevtools.github.io/devtools-protocol/: it reads JSON messages, each ended by a zero
byte, from descriptor 3 and writes them to descriptor 4.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")
TIME_LIMIT = 60.0
"""Seconds after which the browser is killed."""

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_MESSAGES = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")


def find_chromium() -> str | None:
    """Return the path of Chromium, or None; FERDET_CHROMIUM names another one."""
    chosen = os.environ.get("FERDET_CHROMIUM")
    return chosen or next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """A page without network; `requests` and `messages` (console, errors) fill as it loads."""

    def __init__(
        self,
        program: str,
        profile: Path,
        flags: Sequence[str] = (),
        offline: bool = True,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        """flags: further ones of Chromium; offline: whether not even this machine is reached."""
        self._offline = offline
        child_reads, self._send = os.pipe()
        self._receive, child_writes = os.pipe()
        # In the child the ends of the pipes must be descriptors 3 and 4.
        words = " ".join(shlex.quote(flag) for flag in (*_FLAGS, *flags))
        shell = f"exec {program} {words} --user-data-dir='{profile}' about:blank"
        self._process = subprocess.Popen(
            ["bash", "-c", f"{shell} 3<&{child_reads} 4>&{child_writes}"],
            pass_fds=(child_reads, child_writes),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(child_reads)
        os.close(child_writes)
        self._timer = threading.Timer(time_limit, self._process.kill)
        self._timer.start()
        self._buffer, self._last_id, self._session = b"", 0, ""
        self.address = ""
        """Of the server, where a test starts one."""
        self.requests: list[str] = []
        self.messages: list[dict[str, Any]] = []

    def __enter__(self) -> Page:
        targets = self._call("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        params = {"targetId": target, "flatten": True}
        self._session = self._call("Target.attachToTarget", params)["sessionId"]
        for name in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{name}.enable")
        if self._offline:
            self.disconnect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        os.close(self._send)
        os.close(self._receive)

    def disconnect(self) -> None:
        """Cut the page off from everything but files and its own caches."""
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self._call("Network.emulateNetworkConditions", offline)

    def open(self, path: Path | str, width: int = 1280, dark: bool = False) -> None:
        """Open a file or an address in a window of that width, and wait until it has loaded."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", {"features": [theme]})
        url = path if isinstance(path, str) else path.resolve().as_uri()
        self._call("Page.navigate", {"url": url})
        self.wait_for_load()

    def wait_for_load(self) -> None:
        """Wait until the page has loaded, again after it was left."""
        while self._read().get("method") != "Page.loadEventFired":
            pass

    def value(self, script: str) -> Any:
        """Evaluate a JavaScript expression in the page, await it and return its value."""
        params = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = self._call("Runtime.evaluate", params)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def choose_files(self, selector: str, paths: Sequence[Path]) -> None:
        """Choose files in the <input type="file"> that a selector names."""
        root = self._call("DOM.getDocument")["root"]["nodeId"]
        node = self._call("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
        files = [str(path.resolve()) for path in paths]
        self._call("DOM.setFileInputFiles", {"nodeId": node, "files": files})

    def before_load(self, script: str) -> None:
        """Run a script in each document before its own."""
        self._call("Page.addScriptToEvaluateOnNewDocument", {"source": script})

    def press(self, key: str, code: int) -> None:
        """Press and release a key such as Tab, whose number is `code`."""
        for kind in ("rawKeyDown", "keyUp"):
            params = {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}
            self._call("Input.dispatchKeyEvent", params)

    def wait(self, script: str, seconds: float = 60.0) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.value(script):
            assert time.monotonic() < end, (script, self.messages)
            time.sleep(0.1)

    def screenshot(self) -> bytes:
        """Return the whole page as a PNG."""
        params = {"format": "png", "captureBeyondViewport": True}
        return base64.b64decode(self._call("Page.captureScreenshot", params)["data"])

    def _call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": dict(params or {})}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._last_id:
            pass
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._receive, 1 << 16)
            assert data, "the browser has ended"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        elif message.get("method") in _MESSAGES:
            self.messages.append(message["params"])
        return message


@contextmanager
def browser(program: str, profile: Path, **options: Any) -> Iterator[Page]:
    """Start the browser and end it again; profile: an empty folder for its own files."""
    with Page(program, profile, **options) as page:
        yield page
