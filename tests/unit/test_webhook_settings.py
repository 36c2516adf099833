"""What the settings of the webhook and of Apprise take."""

import base64

import pytest

from shared.apprise_settings import parse_apprise_urls
from shared.webhook_settings import WebhookUrl, parse_allowed_private, parse_webhook_secret, parse_webhook_url

SECRET = "whsec_" + base64.b64encode(b"x" * 32).decode()
ALLOWED = parse_allowed_private("127.0.0.1:8123, [::1]:8123, hooks.internal:80")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("https://hooks.example.com/in?token=x", "hooks.example.com", 443),
        ("https://Hooks.Example.com.:8443", "hooks.example.com", 8443),
        ("https://8.8.8.8/in", "8.8.8.8", 443),
        ("https://[2606:4700:4700::1111]/in", "2606:4700:4700::1111", 443),
    ],
)
def test_an_https_url_on_the_public_internet_is_taken(text, host, port):
    """A name is checked when it is resolved."""
    assert parse_webhook_url(text) == WebhookUrl(text, host, port)


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/"),
        *("https://0.0.0.0/", "https://0/", "https://10.0.0.1/", "https://192.168.1.1/", "https://100.64.0.1/"),
        *("https://169.254.169.254/latest", "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/"),
        *("https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fd00:ec2::254]/", "https://[64:ff9b::7f00:1]/"),
        *("https://[2002:7f00:1::]/", "https://[2001::1]/", "https://224.0.0.1/", "https://255.255.255.255/"),
        *("https://localhost/", "https://LOCALHOST./", "https://a.localhost/", "https://metadata.google.internal/"),
        *("https://printer.local/", "https://127.0.0.1:8124/", "http://127.0.0.1:8124/", "https://127.0.0.1.:443/"),
    ],
)
def test_f44_a_url_that_leads_inside_is_refused_at_configuration(url):
    """However it is written, and though another port of the same host is allowed."""
    with pytest.raises(ValueError, match=r"^an https URL on the public internet"):
        parse_webhook_url(url, ALLOWED)


@pytest.mark.parametrize(
    "url",
    [
        *("", "hooks.example.com", "http://hooks.example.com/", "ftp://hooks.example.com/", "https://", "https:///x"),
        *("https://u:hunter2@hooks.example.com/", "https://hooks.example.com@/", "https://hooks.example.com:0/"),
        *("https://hooks.example.com:99999/", "https://hooks.example.com:x/", "https://hooks.example.com/#hunter2"),
        *("https://hooks.example.com/\r\nX: hunter2", "https://hooks.example.com\\@127.0.0.1/", "https://[::1"),
        *(
            "https://hooks.example.com/a b",
            "https://a.com/\\x",
            "https://exämple.com/",
            "https://\uff11\uff12\uff17.0.0.1/",
            "https://a%2eb/",
        ),
    ],
)
def test_f45_a_url_of_another_kind_is_refused_without_showing_it(url):
    """No TLS, no host, a login, a fragment, or characters that two parsers would read in two ways."""
    with pytest.raises(ValueError, match=r"^an https URL on the public internet") as refused:
        parse_webhook_url(url, ALLOWED)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:8123/in", "https://127.0.0.1:8123/in", "http://[::1]:8123/", "http://[0:0::1]:8123/"),
        *("http://hooks.internal/", "http://Hooks.Internal:80/"),
    ],
)
def test_an_allowed_pair_may_be_private_and_without_tls(url):
    """Exactly that host and port."""
    assert parse_webhook_url(url, ALLOWED).private


def test_allowed_pairs_are_read_in_one_spelling():
    """So that they can be compared."""
    assert frozenset({("127.0.0.1", 8123), ("::1", 8123), ("hooks.internal", 80)}) == ALLOWED
    assert parse_allowed_private("[0:0::1]:1, Hooks.Internal.:2") == frozenset({("::1", 1), ("hooks.internal", 2)})
    assert parse_allowed_private("") == frozenset()


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1", "10.0.0.0/8:80", "*:80", "127.0.0.1:0", "127.0.0.1:65536", "::1:80", "[x]:80", "a:b", "http://a:1"],
)
def test_anything_but_exact_pairs_is_refused(text):
    """No ranges, no wildcards, no URLs."""
    with pytest.raises(ValueError, match=r"^exact host:port pairs"):
        parse_allowed_private(text)


@pytest.mark.parametrize("size", [24, 32, 64])
@pytest.mark.parametrize("padding", ["", "="])
def test_a_secret_has_24_to_64_bytes(size, padding):
    """With its padding or without."""
    encoded = base64.b64encode(bytes(range(size))).decode().rstrip("=") + padding * (-size % 3)
    assert parse_webhook_secret(f"whsec_{encoded}") == f"whsec_{encoded}"


@pytest.mark.parametrize(
    "text",
    ["", "hunter2", SECRET.removeprefix("whsec_"), "whsec_", "whsec_hunter2", "whsec_" + "A" * 31, "whsec_" + "A" * 88,
     "whsec_" + "!" * 40, "whsec_" + "ä" * 40, SECRET + "\n"],
)  # fmt: skip
def test_f45_a_secret_of_another_form_is_refused_without_showing_it(text):
    """Too short, too long, no base64, or without what says that it is one."""
    with pytest.raises(ValueError, match=r"^whsec_ followed by 24 to 64 random bytes") as refused:
        parse_webhook_secret(text)
    assert "hunter2" not in str(refused.value)


def test_f45_a_webhooks_url_shows_in_no_repr():
    """Receivers put tokens into it."""
    assert "hunter2" not in repr(parse_webhook_url("https://hooks.example.com/hunter2"))


def test_apprise_urls_are_separated_by_spaces():
    """They may hold commas."""
    assert parse_apprise_urls(" tgram://token/chat,1\n mailto://u:p@h ") == ("tgram://token/chat,1", "mailto://u:p@h")


@pytest.mark.parametrize("text", ["", "  ", "hunter2", "tgram://a tgram://a", "tgram:// x", "1x://y"])
def test_f45_apprise_urls_that_are_none_are_refused_without_showing_them(text):
    """None, no scheme, or one twice."""
    with pytest.raises(ValueError, match=r"^Apprise URLs separated by spaces") as refused:
        parse_apprise_urls(text)
    assert "hunter2" not in str(refused.value)
