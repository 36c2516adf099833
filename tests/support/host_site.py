"""Somebody's website: pages with whatever is in them, on a loopback port of their own."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PLAIN = (
    '<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>A company</title>{head}</head>'
    "<body>{body}</body></html>"
)


class HostSite:
    """A server of pages; ``origin`` is its address."""

    def __init__(self):
        self._pages: dict[str, tuple[bytes, dict[str, str]]] = {}
        pages = self._pages

        class Handler(BaseHTTPRequestHandler):
            """Answers what was put there."""

            def do_GET(self):
                """A page, or nothing."""
                body, headers = pages.get(self.path.split("?")[0], (b"", {}))
                self.send_response(200 if body else 204)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.port = self._server.server_address[1]
        self.origin = f"http://127.0.0.1:{self.port}"

    def put(self, html, **headers):
        """Keep a page; its URL. ``_`` in a header's name stands for ``-``."""
        path = f"/{len(self._pages)}.html"
        self._pages[path] = (html.encode(), {name.replace("_", "-"): value for name, value in headers.items()})
        return f"{self.origin}{path}"

    def page(self, body, *, lang="en", head="", **headers):
        """Keep a page with this body; its URL."""
        return self.put(PLAIN.format(lang=lang, head=head, body=body), **headers)

    def close(self):
        """Give the port up."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
