"""A headless Chromium, driven over its own protocol: what a person does to a page, no more.

It is synchronous; a test whose event loop serves the page runs it in a thread.

Invariant: every wait ends, with the page's state in the error.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)
START_SECONDS = 90.0
PATIENCE_SECONDS = 60.0
STILL = 3  # looks at an element that must find it where it was, before it is clicked
KEYS = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowDown": 40, "Backspace": 8}


class NotSeen(AssertionError):
    """The page did not come to show what was waited for."""


class Browser:
    """One page of a Chromium that runs."""

    def __init__(self, address: str, screenshots: Path) -> None:
        self._socket = websocket.create_connection(address, timeout=PATIENCE_SECONDS)
        self._numbers = itertools.count(1)
        self._screenshots = screenshots
        self.complaints: list[str] = []  # exceptions that the page's own scripts did not catch
        self._ask("Page.enable")
        self._ask("Runtime.enable")

    def close(self) -> None:
        self._socket.close()

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            frame = json.loads(self._socket.recv())
            if frame.get("method") == "Runtime.exceptionThrown":
                details = frame["params"]["exceptionDetails"]
                self.complaints.append(str(details.get("exception", details))[:500])
            if frame.get("id") == number:
                if "error" in frame:
                    raise AssertionError(f"{method}: {frame['error']}")
                answer: dict[str, Any] = frame["result"]
                return answer

    def open(self, url: str, *, width: int = 1200, height: int = 800) -> None:
        self.resize(width, height)
        self._ask("Page.navigate", url=url)
        self.until("document.body !== null && document.readyState !== 'loading'")

    def resize(self, width: int, height: int) -> None:
        """Give the window that many pixels."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def be_a_phone(self, width: int = 390, height: int = 844, *, dark: bool = False) -> None:
        """A window of that size with a finger for a mouse."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2,
            mobile=True,
        )
        self._ask("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=5)
        self.prefer("dark" if dark else "light")

    def note_refusals(self) -> None:
        """From the next page on, `window.refused` is what its content policy did not allow."""
        note = """window.refused = []; addEventListener("securitypolicyviolation",
          (event) => window.refused.push(event.violatedDirective + " " + event.blockedURI))"""
        self._ask("Page.addScriptToEvaluateOnNewDocument", source=note)

    def prefer(self, scheme: str) -> None:
        """What the person's system prefers: "dark" or "light"."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._ask("Emulation.setEmulatedMedia", features=[feature])

    def visit(self, url: str) -> None:
        """Open an address in the window as it is."""
        self._ask("Page.navigate", url=url)
        self.until("document.body !== null && document.readyState === 'complete'")

    def drag(self, *points: tuple[float, float], kind: str = "mouse", pen: bool = False) -> None:
        """Press at the first point, go on to each of the others, and let go there."""
        if kind == "touch":
            return self.fingers(*[[point] for point in points])
        what: dict[str, Any] = {"button": "left", "pointerType": "pen" if pen else "mouse"}
        for at, (x, y) in enumerate(points):
            step = "mousePressed" if at == 0 else "mouseMoved"
            self._ask(
                "Input.dispatchMouseEvent", type=step, x=x, y=y, clickCount=1, buttons=1, **what
            )
        x, y = points[-1]
        self._ask("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, clickCount=1, **what)
        return None

    def fingers(self, *steps: list[tuple[float, float]]) -> None:
        """Touch with as many fingers as the first step has points, and move on step by step."""
        # At the end they rest: after a fling, the next touch would only stop it.
        for at, points in enumerate([*steps, *([steps[-1]] * 2 if len(steps) > 1 else [])]):
            touches = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
            kind = "touchStart" if at == 0 else "touchMove"
            if at >= len(steps):
                time.sleep(0.1)
            self._ask("Input.dispatchTouchEvent", type=kind, touchPoints=touches)
        self._ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def tap(self, selector: str, *, text: str | None = None, last: bool = False) -> None:
        """Touch an element for a moment."""
        self.fingers([self._place(selector, text=text, last=last)])

    def js(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self._ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression: str, *, seconds: float = PATIENCE_SECONDS) -> Any:
        """The expression's value as soon as it is truthy.  Raises NotSeen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.js(expression):
                return value
            time.sleep(0.05)
        self.screenshot("not-seen")
        shown = self.js("document.body.innerText")
        raise NotSeen(f"{expression}\nafter {seconds} s the page shows:\n{shown}")

    def sees(self, text: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the channel shows that text."""
        self.until(f"document.body.innerText.includes({json.dumps(text)})", seconds=seconds)

    def click(self, selector: str, *, text: str | None = None, last: bool = False) -> None:
        """Click the first (or last) visible element with that selector and, if given, text."""
        x, y = self._place(selector, text=text, last=last)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self._ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def hover(self, selector: str, *, text: str | None = None, last: bool = False) -> None:
        x, y = self._place(selector, text=text, last=last)
        self._ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def scroll(self, selector: str, pixels: int, *, at: tuple[float, float] | None = None) -> None:
        """Turn the wheel over that element, or at that point; up is negative."""
        x, y = at or self._place(selector, text=None, last=False)
        wheel = {"type": "mouseWheel", "deltaX": 0, "deltaY": pixels}
        self._ask("Input.dispatchMouseEvent", x=x, y=y, **wheel)
        time.sleep(0.3)

    def _place(self, selector: str, *, text: str | None, last: bool) -> tuple[float, float]:
        found = f"""(() => {{
            const all = [...document.querySelectorAll({json.dumps(selector)})].filter(
              (e) => e.getClientRects().length && !e.disabled
                && (e.innerText || "").includes({json.dumps(text or "")}));
            const it = all.at({-1 if last else 0});
            if (!it) return null;
            it.scrollIntoView({{block: "nearest"}});
            if ([...document.images].some((i) => i.getClientRects().length && !i.complete))
              return null;  // when it has come, everything below moves
            const r = it.getBoundingClientRect();
            return [r.x + r.width / 2, r.y + r.height / 2];
        }})()"""
        before, still = None, 0
        while still < STILL:
            place = self.until(found)
            still = still + 1 if place == before else 0
            before = place
            time.sleep(0.05)
        return place[0], place[1]

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        for letter in text:
            self._ask("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            self._ask("Input.dispatchKeyEvent", type="keyUp", key=letter)

    def paste(self, text: str) -> None:
        """Put the text into what has the focus, all at once."""
        self._ask("Input.insertText", text=text)

    def press(self, key: str, *, ctrl: bool = False) -> None:
        number = KEYS.get(key, ord(key[0].upper()))
        text = {"text": "\r"} if key == "Enter" else {}
        what = {"key": key, "code": key, "windowsVirtualKeyCode": number}
        what |= {"modifiers": 2} if ctrl else {}
        self._ask("Input.dispatchKeyEvent", type="keyDown", **what, **text)
        self._ask("Input.dispatchKeyEvent", type="keyUp", **what)

    def choose_file(self, selector: str, file: Path) -> None:
        """Give a file to an <input type=file>."""
        root = self._ask("DOM.getDocument")["root"]["nodeId"]
        node = self._ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._ask("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def choose(self, selector: str, label: str) -> None:
        """Choose an option of a <select> by its label."""
        chosen = self.js(f"""(() => {{
            const select = document.querySelector({json.dumps(selector)});
            const option = [...select.options].find((o) => o.label.includes({json.dumps(label)}));
            select.value = option.value;
            select.dispatchEvent(new Event("change", {{bubbles: true}}));
            return option.label;
        }})()""")
        assert label in chosen

    def screenshot(self, name: str) -> Path:
        self._screenshots.mkdir(parents=True, exist_ok=True)
        path = self._screenshots / f"{name}.png"
        data = self._ask("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))
        return path


@contextmanager
def chromium(screenshots: Path) -> Iterator[Browser]:
    """A fresh Chromium with one empty page, ended with the block."""
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            browser = Browser(_page_address(Path(profile), process), screenshots)
            try:
                yield browser
            finally:
                browser.close()
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _page_address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """The WebSocket of its page: Chromium writes its port into its profile."""
    told = profile / "DevToolsActivePort"
    _wait(lambda: told.exists() and "\n" in told.read_text(), process)
    port = told.read_text().split()[0]
    pages: list[dict[str, str]] = []

    def listed() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            pages[:] = [t for t in json.load(answer) if t["type"] == "page"]
        return bool(pages)

    _wait(listed, process)
    return pages[0]["webSocketDebuggerUrl"]


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise NotSeen("Chromium did not start")
        time.sleep(0.05)
