"""The widget and the gallery as files: caching, compression, headers, and what they are made of."""

from __future__ import annotations

import gzip
import re

import flask
import pytest
from werkzeug.test import create_environ

from shared.edge import widget_pages as pages

SHOP = "https://shop.example"
WORDS = {"business": "Łódź & <b>", "language": "en", "consent": {}, "asks": []}
SCRIPTS = sorted(pages.FOLDER.glob("*.js"))
MOST = 25 * 1024


def words():
    """What a business says."""
    return WORDS


def ask(path, method="GET", origins=(SHOP,), **headers):
    """An answer; ``_`` in a header's name stands for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = flask.Request(create_environ(path=path, method=method, headers=named))
    return pages.page_answer(request, words, origins, on_error=lambda _error: None)


@pytest.mark.parametrize(
    "path", ["/widget.js", "/widget.json", "/gallery", "/gallery.js", "/gallery.css", "/gallery.svg"]
)
def test_it_is_served_plain_and_packed_and_not_again(path):
    """The same bytes either way, each with a name of its own; who has it gets 304 and nothing else."""
    plain, packed = ask(path), ask(path, Accept_Encoding="gzip, br")
    assert gzip.decompress(packed.get_data()) == plain.get_data()
    assert (plain.headers.get("Content-Encoding"), packed.headers["Content-Encoding"]) == (None, "gzip")
    assert len({plain.headers["ETag"], packed.headers["ETag"]}) == 2
    assert "Accept-Encoding" in plain.headers["Vary"]
    again = ask(path, Accept_Encoding="gzip", If_None_Match=packed.headers["ETag"])
    sent, status, _ = again.get_wsgi_response(create_environ())
    assert (status, b"".join(sent)) == ("304 NOT MODIFIED", b"")
    assert ask(path, If_None_Match='"another"').status_code == 200
    changed = ask(path, If_Match='"another"')
    assert (changed.status_code, changed.json["field"]) == (412, "If-Match")


@pytest.mark.parametrize(
    "path", ["/widget.js", "/widget.json", "/gallery", "/gallery.js", "/gallery.css", "/gallery.svg"]
)
def test_its_headers_let_nothing_in_and_let_it_be_kept_for_a_while(path):
    """A strict policy without inline code, no framing, no sniffing; five minutes fresh, a day while we are down."""
    headers = ask(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    if path == "/widget.json":  # the wording that is shown is the one that is recorded
        assert headers["Cache-Control"] == "no-cache"
    else:
        assert headers["Cache-Control"].startswith("public, max-age=300, ")


def test_the_widget_may_be_embedded_anywhere_and_the_gallery_nowhere():
    """Cross-Origin-Resource-Policy for pages that isolate themselves; CORS for allowed origins, on the widget only."""
    assert ask("/widget.js").headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Cross-Origin-Resource-Policy" not in ask("/gallery").headers
    for path, allowed in (("/widget.js", SHOP), ("/widget.json", SHOP), ("/gallery", None), ("/gallery.js", None)):
        assert ask(path, Origin=SHOP).headers.get("Access-Control-Allow-Origin") == allowed
        assert "Access-Control-Allow-Origin" not in ask(path, Origin="https://evil.example").headers


def test_other_paths_and_methods_are_problems():
    """404, 405 with what is allowed, and a preflight that says GET."""
    assert ask("/widget.css").status_code == 404
    assert ask("/gallery/../../main.py").status_code == 404
    refused = ask("/widget.js", method="POST")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert refused.content_type == "application/problem+json"
    preflight = ask("/widget.json", method="OPTIONS", Origin=SHOP)
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Methods"]) == (204, "GET, HEAD")


def test_the_widget_weighs_at_most_25_kilobytes():
    """Gzipped, as browsers get it."""
    assert len(ask("/widget.js", Accept_Encoding="gzip").get_data()) <= MOST


def test_every_part_is_in_the_widget_in_an_order_that_works():
    """No part is forgotten, no name is there twice in their common scope; all of it in a scope of its own."""
    assert {path.name for path in SCRIPTS} - {"gallery.js"} == set(pages.PARTS)
    script = pages.widget_script().decode()
    names = re.findall(r"^(?:const|class|function|async function) (\w+)", script, flags=re.MULTILINE)
    assert len(names) == len(set(names)) > 30
    assert script.index("(() => {") < script.index("const STYLE")
    assert script.endswith("})();\n")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_f41_text_goes_into_the_widget_as_text_only(script):
    """No way for a message to become markup or code, and none for a page's policy to be in the way."""
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|new Function|createContextualFragment"
        r"|document\.cookie|setAttribute\(\"style|setAttribute\(\"on"
    )
    assert not re.search(forbidden, script.read_text(encoding="utf-8"))


def test_every_language_has_every_text():
    """The same names and the same gaps in each."""
    source = (pages.FOLDER / "texts.js").read_text(encoding="utf-8")
    blocks = re.findall(r"^  (\w\w): \{\n(.*?)^  \},$", source, flags=re.MULTILINE | re.DOTALL)
    texts = {
        lang: {
            name: sorted(re.findall(r"\{\w+\}", text))
            for name, text in re.findall(r"^    (\w+): \"(.*)\",$", block, flags=re.MULTILINE)
        }
        for lang, block in blocks
    }
    assert set(texts) == {"en", "pl", "de"}
    assert len(texts["en"]) > 30
    assert texts["pl"] == texts["en"] == texts["de"]


def test_the_words_are_json_in_utf8():
    """What the business is called comes through."""
    answer = ask("/widget.json")
    assert (answer.get_json(), answer.content_type) == (WORDS, "application/json; charset=utf-8")
