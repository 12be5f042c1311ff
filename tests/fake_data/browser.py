"""A headless Chromium, asked through its debugging pipe: what a page does when it is opened.

https://chromedevtools.github.io/devtools-protocol/: JSON messages, each ended by a zero byte, come
in on descriptor 3 and go out on 4. So no further package is needed.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")
PATIENCE = 60.0
"""Seconds after which a browser that says nothing is killed."""

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_NOTES = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")


def find_chromium() -> str | None:
    """The program, where there is one; FERDET_CHROMIUM names another."""
    named = os.environ.get("FERDET_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page of a browser, with the network off; `requests` and `notes` fill as it loads."""

    def __init__(self, program: str, profile: Path) -> None:
        inward, self._send = os.pipe()
        self._receive, outward = os.pipe()
        # In the child the pipe's ends have to be 3 and 4, whatever they are here.
        shell = f"exec {program} {' '.join(_FLAGS)} --user-data-dir='{profile}' about:blank"
        self._process = subprocess.Popen(
            ["bash", "-c", f"{shell} 3<&{inward} 4>&{outward}"],
            pass_fds=(inward, outward),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(inward)
        os.close(outward)
        self._guard = threading.Timer(PATIENCE, self._process.kill)
        self._guard.start()
        self._rest, self._last, self._session = b"", 0, ""
        self.requests: list[str] = []
        self.notes: list[dict[str, Any]] = []

    def __enter__(self) -> Page:
        targets = self._ask("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        asked = {"targetId": target, "flatten": True}
        self._session = self._ask("Target.attachToTarget", asked)["sessionId"]
        for name in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{name}.enable")
        off = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self._ask("Network.emulateNetworkConditions", off)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._guard.cancel()
        self._process.kill()
        self._process.wait()
        os.close(self._send)
        os.close(self._receive)

    def open(self, path: Path, width: int = 1280, dark: bool = False) -> None:
        """Show a file at that width, until it has loaded."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", {"features": [theme]})
        self._ask("Page.navigate", {"url": path.resolve().as_uri()})
        while self._read().get("method") != "Page.loadEventFired":
            pass

    def value(self, script: str) -> Any:
        """What a JavaScript expression is worth in the page."""
        asked = {"expression": script, "returnByValue": True}
        told = self._ask("Runtime.evaluate", asked)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def screenshot(self) -> bytes:
        """The whole page as a PNG."""
        asked = {"format": "png", "captureBeyondViewport": True}
        return base64.b64decode(self._ask("Page.captureScreenshot", asked)["data"])

    def _ask(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self._last += 1
        message = {"id": self._last, "method": method, "params": dict(params or {})}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while (told := self._read()).get("id") != self._last:
            pass
        assert "error" not in told, (method, told)
        result: dict[str, Any] = told["result"]
        return result

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self._receive, 1 << 16)
            assert data, "the browser has ended"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(line)
        if told.get("method") == "Network.requestWillBeSent":
            self.requests.append(told["params"]["request"]["url"])
        elif told.get("method") in _NOTES:
            self.notes.append(told["params"])
        return told


@contextmanager
def browser(program: str, profile: Path) -> Iterator[Page]:
    """A page that is closed in the end; profile: an empty folder for what the browser writes."""
    with Page(program, profile) as page:
        yield page
