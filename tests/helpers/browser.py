"""A headless Chromium that opens pages from disk, driven through its DevTools protocol.

Chromium speaks the protocol over a pipe (``--remote-debugging-pipe``): JSON messages that
end with a null byte. That is all a test of a page needs, so that no driver, no port and no
package of a hundred megabytes has to be kept in step with the browser.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 30.0  # seconds for one answer: a browser on a busy machine starts slowly
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--disable-default-apps", "--mute-audio",
    "--force-color-profile=srgb", "--remote-debugging-pipe",
)  # fmt: skip


def chromium() -> str | None:
    """Path of the browser, None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One browser with one page."""

    def __init__(self, to, back):
        self.to, self.back, self.rest, self.count = to, back, b"", 0
        self.events = []
        target = self.ask("Target.createTarget", url="about:blank", session=None)
        answer = self.ask(
            "Target.attachToTarget",
            targetId=target["targetId"],
            flatten=True,
            session=None,
        )
        self.session = answer["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    session = None

    def ask(self, method, session="own", **parameters):
        """Send one message and return its answer; events are kept meanwhile."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if session == "own":
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.count:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def read(self):
        end = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.back], [], [], end - time.monotonic())
            assert ready, "the browser does not answer"
            piece = os.read(self.back, 1 << 20)
            assert piece, "the browser has ended"
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, path: Path, width=1280, height=900, dark=False):
        """Open a file at a width, and wait until it is loaded."""
        self.load(path, width, height, dark)
        self.run(
            "new Promise(done => requestAnimationFrame(() => setTimeout(done, 30)))"
        )

    def load(self, path: Path, width=1280, height=900, dark=False):
        """Open a file; needs no script in the page."""
        self.events.clear()
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Page.navigate", url=path.resolve().as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.read())

    def texts(self):
        """Words that the accessibility tree holds: what is shown, without any script."""
        nodes = self.ask("Accessibility.getFullAXTree")["nodes"]
        return " ".join(str(node.get("name", {}).get("value", "")) for node in nodes)

    def run(self, script):
        """Return the value of an expression; a promise is waited for."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True,
            userGesture=True,
        )  # fmt: skip
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def enter(self):
        """Press the Enter key."""
        for kind, text in (("keyDown", "\r"), ("keyUp", "")):
            self.ask(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text=text,
                windowsVirtualKeyCode=13,
            )  # fmt: skip

    def click(self, x, y):
        """Press and release the left button of the mouse."""
        for kind in ("mousePressed", "mouseReleased"):
            self.ask(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                clickCount=1,
            )  # fmt: skip

    def requests(self):
        """Addresses that the page has asked for, other than itself and its own data."""
        asked = [
            e for e in self.events if e.get("method") == "Network.requestWillBeSent"
        ]
        urls = [event["params"]["request"]["url"] for event in asked]
        return [url for url in urls if not url.startswith(("file:", "data:"))]

    def errors(self):
        """What the page has complained about."""
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded")
        found = [e["params"] for e in self.events if e.get("method") in kinds]
        called = [
            e["params"]
            for e in self.events
            if e.get("method") == "Runtime.consoleAPICalled"
        ]
        return found + [one for one in called if one["type"] in ("error", "warning")]

    def picture(self, path: Path, whole=True):
        """Save what is shown as PNG."""
        options = {"captureBeyondViewport": True} if whole else {}
        if whole:
            size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
            options["clip"] = {
                "x": 0,
                "y": 0,
                "scale": 1,
                **{k: size[k] for k in ("width", "height")},
            }
        answer = self.ask("Page.captureScreenshot", format="png", **options)
        path.write_bytes(base64.b64decode(answer["data"]))


@contextmanager
def browser():
    """Start a browser and end it again; it has a profile of its own."""
    read_there, to = os.pipe()
    back, write_there = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [chromium(), *FLAGS, f"--user-data-dir={profile}"]
        # the protocol expects its pipe at the descriptors 3 and 4
        started = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{read_there} 4>&{write_there}', "bash", *command],
            pass_fds=(read_there, write_there), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(read_there)
        os.close(write_there)
        try:
            yield Browser(to, back)
        finally:
            os.close(to)
            os.close(back)
            started.terminate()
            started.wait(10)
