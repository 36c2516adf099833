"""What the chat widget weighs, and what it adds to the load of somebody's page, in Chromium."""

from __future__ import annotations

import gzip
import os
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Browser, sync_playwright

from bench.report import say, table
from infra.local.prerequisites import find_chromium
from shared.edge.widget_pages import widget_script

MOST = 25 * 1024
TEXT = "<section><h2>What we do</h2><p>We furnish flats and offices.</p><ul><li>One</li><li>Two</li></ul></section>"
PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>A company</title><main><h1>A company</h1>{}</main>{}'
)
LOADED = """() => new Promise((resolve) => {
  let shift = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((each) => { shift += each.value; }))
    .observe({type: "layout-shift", buffered: true});
  const look = () => {
    const [page] = performance.getEntriesByType("navigation");
    const [painted] = performance.getEntriesByName("first-contentful-paint");
    if (painted) resolve([page.loadEventEnd, painted.startTime, shift]); else setTimeout(look, 50);
  };
  setTimeout(look, 150);
})"""

# Lighthouse's "slow 4G" on a phone four times as slow as this machine.
PHONE_SLOWER = 4
PHONE_LATENCY_MS = 150
PHONE_BYTES_PER_SECOND = 1_600_000 / 8


class NotLight(Exception):  # noqa: N818 - what it is
    """The widget is heavier than it may be."""


@dataclass(frozen=True)
class Load:
    """Medians of one way to load: milliseconds to the load event and to the first paint; the layout's shift."""

    load: float
    paint: float
    shift: float


def run(runs: int) -> None:
    """Print the widget's size and the effect on a page's load, ``runs`` loads with it and as many without, in turns.

    Raises:
        NotLight: it is over 25 KB gzipped.
    """
    script = widget_script()
    packed = gzip.compress(script, 9, mtime=0)
    table("The widget, bytes", ("", "raw", "gzip", "gzip at most"), [("widget.js", len(script), len(packed), MOST)])
    with _served(packed) as url, sync_playwright() as playwright:
        path = find_chromium(os.environ, install=False, say=print)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, phone in (("this machine", False), ("a slow phone", True)):
            say(f"{runs} loads with the widget and as many without, on {name}")
            _report(name, *_measure(browser, url, runs, phone=phone))
        browser.close()
    if len(packed) > MOST:
        raise NotLight(f"the widget has {len(packed)} bytes gzipped; it may have {MOST}")


def _report(name: str, without: Load, with_it: Load) -> None:
    rows = [
        ("load event, ms", round(without.load), round(with_it.load), with_it.load / without.load),
        ("first paint, ms", round(without.paint), round(with_it.paint), with_it.paint / without.paint),
        ("layout shift", float(without.shift), float(with_it.shift), ""),
    ]
    table(f"A page's load on {name}, medians", ("", "without", "with", "ratio"), rows)


def _measure(browser: Browser, url: str, runs: int, *, phone: bool) -> tuple[Load, Load]:
    """Alternately, so that whatever else the machine does strikes both alike; the first pair warms up."""
    seen: dict[str, list[list[float]]] = {"without": [], "with": []}
    for number in range(runs + 1):
        for path, found in seen.items():
            measured = _load(browser, f"{url}/{path}", phone=phone)
            if number > 0:
                found.append(measured)
    without, with_it = (Load(*(statistics.median(each) for each in zip(*all_, strict=True))) for all_ in seen.values())
    return without, with_it


def _load(browser: Browser, url: str, *, phone: bool) -> list[float]:
    """One load with an empty cache."""
    page = browser.new_page()
    if phone:
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": PHONE_SLOWER})
        network = {"offline": False, "latency": PHONE_LATENCY_MS}
        speeds = {"downloadThroughput": PHONE_BYTES_PER_SECOND, "uploadThroughput": PHONE_BYTES_PER_SECOND}
        session.send("Network.emulateNetworkConditions", {**network, **speeds})
    page.goto(url, wait_until="load")
    measured: list[float] = page.evaluate(LOADED)
    page.close()
    return measured


@contextmanager
def _served(packed: bytes) -> Iterator[str]:
    """A page with and without the widget, and the widget."""
    text = TEXT * 60
    answers = {
        "/without": ("text/html", PAGE.format(text, "").encode()),
        "/with": ("text/html", PAGE.format(text, '<script src="/chat/widget.js" defer></script>').encode()),
        "/chat/widget.js": ("text/javascript", packed),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mimetype, body = answers.get(self.path, ("text/plain", b"-"))
            self.send_response(200)
            self.send_header("Content-Type", f"{mimetype}; charset=utf-8")
            if body is packed:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
