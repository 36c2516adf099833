"""Who is signed in to the console: the cookie, its end, forms, and what a browser sends of other sites."""

from __future__ import annotations

import pytest

from shared.edge.console_session import COOKIE, IDLE, LIFE, Session, session_of
from tests.support.console_site import NEW, NOW, OLD, WHO, ConsoleSite

JOBS = {"jobs": []}


@pytest.fixture
def site() -> ConsoleSite:
    """A console with two keys, and one page that can be shown."""
    made = ConsoleSite()
    made.answers["/jobs"] = JOBS
    made.answers["/jobs/cleanup/run"] = {"name": "cleanup"}
    return made


def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(site: ConsoleSite) -> None:
    """A browser takes it for this host only, and forgets it after the session's life."""
    [line] = site.sign_in().headers.getlist("Set-Cookie")
    parts = {part.strip() for part in line.split(";")}
    assert line.startswith("__Host-")
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/", f"Max-Age={int(LIFE.total_seconds())}"} <= parts
    assert not any(part.startswith("Domain") for part in parts)


@pytest.mark.parametrize("key", [OLD, NEW])
def test_each_key_signs_in(site: ConsoleSite, key: str) -> None:
    """And leads on to the page that was asked for."""
    answer = site.sign_in(key, back="/jobs?x=1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "./jobs?x=1")
    assert site.get("/jobs").status_code == 200


@pytest.mark.parametrize("key", ["", " ", "wrong", NEW[:-1], NEW + "x", NEW.upper(), "ł" * 20, "x" * 5000])
def test_a_wrong_key_does_not(site: ConsoleSite, key: str) -> None:
    """It is told in a page that repeats the name and not the key."""
    answer = site.sign_in(key)
    assert answer.status_code == 401
    assert "ApiKey" in answer.headers["WWW-Authenticate"]
    assert site.cookies == {}
    assert WHO in answer.get_data(as_text=True)
    assert len(key) < 5 or key not in answer.get_data(as_text=True)


def test_wrong_keys_are_counted_by_client() -> None:
    """Past so many a right one is not looked at either, from there."""
    site = ConsoleSite(wrong_most=2)
    for _ in range(2):
        assert site.sign_in("wrong", X_Forwarded_For="203.0.113.7").status_code == 401
    limited = site.sign_in(NEW, X_Forwarded_For="203.0.113.7")
    assert limited.status_code == 429
    assert int(limited.headers["Retry-After"]) > 0
    assert "Too many wrong keys" in limited.get_data(as_text=True)
    assert site.sign_in(NEW, X_Forwarded_For="203.0.113.8").status_code == 303


@pytest.mark.parametrize("by", ["", "   ", "x" * 81, "two\nlines", "nul\x00"])
def test_a_name_is_needed_for_the_audit(site: ConsoleSite, by: str) -> None:
    """One line, of some length."""
    answer = site.sign_in(by=by)
    assert answer.status_code == 400
    assert site.cookies == {}


@pytest.mark.parametrize("path", ["/", "/jobs", "/nothing", "/dead_letters?status=failed", "/jobs/cleanup/run"])
def test_nothing_is_shown_to_who_is_not_signed_in(site: ConsoleSite, path: str) -> None:
    """Every address answers the same: the sign-in; nothing is asked of the JSON half."""
    for method in ("GET", "HEAD", "POST"):
        answer = site.request(method, path, {"reason": "x"} if method == "POST" else None)
        assert answer.status_code == 401
        assert method == "HEAD" or "Admin key" in answer.get_data(as_text=True)
    assert site.asked == []


def test_a_session_ends_by_itself(site: ConsoleSite) -> None:
    """After an hour without use, and eight hours after it began however it is used."""
    site.sign_in()
    site.passes(IDLE.total_seconds() / 60 - 1)
    assert site.get("/jobs").status_code == 200
    site.passes(IDLE.total_seconds() / 60 - 1)
    assert site.get("/jobs").status_code == 200, "it was used in between"
    site.passes(IDLE.total_seconds() / 60 + 1)
    over = site.get("/jobs")
    assert over.status_code == 401
    assert "Your session is over" in over.get_data(as_text=True)
    site.sign_in()
    for _ in range(9):
        site.passes(50)
        assert site.get("/jobs").status_code == 200
    site.passes(31)
    assert site.get("/jobs").status_code == 401


def test_a_page_that_renews_itself_keeps_no_session_alive(site: ConsoleSite) -> None:
    """An open page that nobody looks at is signed out as well."""
    site.sign_in()
    for _ in range(4):
        site.passes(14)
        assert "Set-Cookie" not in site.get("/jobs", X_Live="glance").headers
    site.passes(14)
    assert site.get("/jobs", X_Live="whole").status_code == 401


def test_taking_a_key_out_ends_its_sessions_and_no_others(site: ConsoleSite) -> None:
    """Also after a rotation, in which the order changes."""
    site.sign_in(OLD)
    of_old = dict(site.cookies)
    site.sign_in(NEW)
    site.use((NEW, "a-third-key-0123456789"))
    assert site.get("/jobs").status_code == 200
    site.cookies = of_old
    assert site.get("/jobs").status_code == 401


def test_a_cookie_that_we_did_not_sign_is_none(site: ConsoleSite) -> None:
    """Changed by a character, of another key, empty, very long, of the future, or of another shape."""
    good = Session("id", WHO, NOW, NOW, NEW).cookie
    assert session_of(good, (OLD, NEW), NOW) is not None
    later = Session("id", WHO, NOW.replace(year=2027), NOW.replace(year=2027), NEW).cookie
    others = [good[:-1], good[:-1] + ("A" if good[-1] != "A" else "B"), f"x{good}", "", ".", "ä", "a" * 5000, later]
    others.append(Session("id", WHO, NOW, NOW, "another-key-0123456789").cookie)
    for cookie in (None, *others):
        assert session_of(cookie, (OLD, NEW), NOW) is None
    site.cookies[COOKIE] = good[:-1]
    assert site.get("/jobs").status_code == 401


def test_signing_out_forgets_the_cookie(site: ConsoleSite) -> None:
    """With a form only; following a link to it does nothing."""
    site.sign_in()
    assert site.get("/sign_out").status_code == 404
    answer = site.post("/sign_out")
    assert (answer.status_code, answer.headers["Location"]) == (303, "./?notice=signed-out")
    assert site.cookies == {}
    assert "You are signed out." in site.get("/?notice=signed-out").get_data(as_text=True)


def test_a_form_needs_the_token_of_its_own_session(site: ConsoleSite) -> None:
    """Another session's, a guessed one and none are refused, and nothing is done."""
    site.sign_in()
    other = Session("another", WHO, NOW, NOW, NEW).form_token
    for token in (other, "guess", "", "ä"):
        answer = site.post("/jobs/cleanup/run", {"reason": "x", "csrf": token})
        assert answer.status_code == 403
        assert "Allow" not in answer.headers
    assert site.asked == []
    assert site.post("/jobs/cleanup/run", {"reason": "x"}).status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, 303),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "http://127.0.0.1:9000"}, 303),  # a proxy on the way, as gcloud's
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "none"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "https://console.example"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/sign_in", "/jobs/cleanup/run"])
def test_a_form_comes_from_a_page_of_ours(site: ConsoleSite, path: str, headers: dict[str, str], status: int) -> None:
    """As the browser itself says, also at the sign-in, and whatever the token is."""
    site.sign_in()
    answer = site.post(path, {"reason": "x", "key": NEW, "by": WHO}, **headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://console.example"}, 303),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "https://front.example", "X_Forwarded_Host": "front.example"}, 303),
        ({}, 303),  # no browser of today: the token is what counts
    ],
)
def test_an_older_browser_says_it_by_origin(site: ConsoleSite, headers: dict[str, str], status: int) -> None:
    """The host that was asked for, or the one a proxy in front was asked for."""
    site.sign_in()
    token = session_of(site.cookies[COOKIE], (OLD, NEW), NOW)
    assert token is not None
    form = {"reason": "x", "csrf": token.form_token}
    assert site.request("POST", "/jobs/cleanup/run", form, **headers).status_code == status


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%2f/evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/jobs\r\nSet-Cookie: x=y",
        "/../evil",
        "jobs",
        "",
        "/" + "x" * 600,
    ],
)
def test_after_sign_in_no_address_leads_elsewhere(site: ConsoleSite, back: str) -> None:
    """What is not a page of the console becomes its first page, relative to here."""
    assert site.sign_in(back=back).headers["Location"] == "./"
