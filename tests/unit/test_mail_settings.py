"""What the settings of e-mail take."""

import pytest

from shared.mail_settings import SmtpServer, parse_mail_from, parse_mail_to, parse_smtp_url, sender, valid_address


@pytest.mark.parametrize(
    ("text", "server"),
    [
        (
            "smtp+starttls://user:password@mail.example.com:587",
            SmtpServer("smtp+starttls", "mail.example.com", 587, "user", "password"),
        ),
        ("smtp+starttls://mail.example.com", SmtpServer("smtp+starttls", "mail.example.com", 587)),
        ("smtps://u:p@mail.example.com", SmtpServer("smtps", "mail.example.com", 465, "u", "p")),
        ("smtps://u%40example.com:p%3A%2F%40%C3%A4%25@h", SmtpServer("smtps", "h", 465, "u@example.com", "p:/@ä%")),
        ("SMTPS://u:p@Mail.Example.com:2465/", SmtpServer("smtps", "mail.example.com", 2465, "u", "p")),
        ("smtp://localhost", SmtpServer("smtp", "localhost", 25)),
        ("smtp://127.0.0.1:2525", SmtpServer("smtp", "127.0.0.1", 2525)),
        ("smtp://[::1]:2525", SmtpServer("smtp", "::1", 2525)),
        ("smtp+starttls://[2001:db8::1]:587", SmtpServer("smtp+starttls", "2001:db8::1", 587)),
    ],
)
def test_a_server_is_read(text, server):
    """Scheme, host, port, and the login decoded."""
    assert parse_smtp_url(text) == server


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mail.example.com",
        "https://mail.example.com",
        "smtp://mail.example.com",
        "smtp://u:hunter2@mail.example.com:587",
        "smtp+starttls://",
        "smtp+starttls://:587",
        "smtp+starttls://h:0",
        "smtp+starttls://h:99999",
        "smtp+starttls://h:port",
        "smtp+starttls://u:hunter2@h/path",
        "smtp+starttls://u:hunter2@h?x=y",
        "smtp+starttls://u:hunter2@h#x",
        "smtp+starttls://u:hunter2/x@h",
        "smtp+starttls://u:hunter2#x@h",
        "smtp+starttls://u:hunter2%zz@h",
        "smtp+starttls://u:hunter2%@h",
        "smtp+starttls://u:hunter2%0d%0aQUIT@h",
        "smtp+starttls://u:hunter2%ff@h",
        "smtp+starttls://u@h",
        "smtp+starttls://u:@h",
        "smtp+starttls://:hunter2@h",
        "smtp+starttls://u:hunter2@h\r\nX: y",
        "smtp+starttls://u:hunter2 @h",
        "smtp+starttls://u:hunter2@h\u2100.example.com",
        "smtp+starttls://u:hunter2@h_x/",
        "smtp+starttls://[::1",
    ],
)
def test_f45_anything_else_is_refused_without_showing_it(text):
    """The message says what it takes, never what it was."""
    with pytest.raises(ValueError, match=r"smtp\+starttls://user:password@host:587") as refused:
        parse_smtp_url(text)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_f45_a_login_shows_in_no_repr():
    """The name of the server does."""
    shown = repr(parse_smtp_url("smtps://user-name:hunter2@mail.example.com"))
    assert "hunter2" not in shown
    assert "user-name" not in shown
    assert "mail.example.com" in shown


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("alerts@example.com", "", "alerts@example.com"),
        (" alerts@example.com ", "", "alerts@example.com"),
        ("Bellhop <alerts@example.com>", "Bellhop", "alerts@example.com"),
        ("Bellhöp & Söhne <alerts@example.com>", "Bellhöp & Söhne", "alerts@example.com"),
        ('"Alerts, all of them" <alerts@example.com>', "Alerts, all of them", "alerts@example.com"),
        ("<alerts@example.com>", "", "alerts@example.com"),
    ],
)
def test_a_sender_is_an_address_with_or_without_a_name(text, name, address):
    """As mail programs write it."""
    assert parse_mail_from(text) == text.strip()
    assert (sender(text).display_name, sender(text).addr_spec) == (name, address)


@pytest.mark.parametrize(
    "text", ["", "Bellhop", "a@b@c", "Bellhop <a@example.com", "a@example.com, b@example.com", "A\r\nB <a@example.com>"]
)
def test_a_sender_that_is_none_is_refused(text):
    """It says what it takes."""
    with pytest.raises(ValueError, match=r"^an address such as alerts@example\.com"):
        parse_mail_from(text)


def test_recipients_are_addresses_separated_by_commas():
    """In their order."""
    assert parse_mail_to("ann@example.com, bob@example.com,") == ("ann@example.com", "bob@example.com")


@pytest.mark.parametrize("text", ["", ",", "ann", "ann@example.com bob@example.com", "a@example.com, A@Example.com"])
def test_recipients_that_are_none_are_refused(text):
    """None, no address, no comma, or one twice."""
    with pytest.raises(ValueError, match=r"^e-mail addresses separated by commas"):
        parse_mail_to(text)


@pytest.mark.parametrize(
    "address", ["a@b", "a.b+c@example.com", "o'neil@example.co.uk", "x@127-0-0-1.example.com", "_@example.com"]
)
def test_a_plain_address_is_valid(address):
    """A dot-atom at a domain."""
    assert valid_address(address)


@pytest.mark.parametrize(
    "address",
    [
        *("", "@", "a@", "@b", "a b@example.com", "a@exa mple.com", "a@b@c", ".a@example.com", "a.@example.com"),
        *("a..b@example.com", "a@example..com", '"a"@example.com', "a@[127.0.0.1]", "ä@example.com", "a@exämple.com"),
        *("a@example.com\n", "a@example.com\r\nRCPT TO:<b@example.com", "a@example.com>,<b@example.com", "a,b@c.com"),
        *("a" * 65 + "@example.com", "a@" + "b" * 260 + ".com", "a(comment)@example.com", "a@example.com SIZE=1"),
    ],
)
def test_f40_an_address_that_could_be_read_as_more_is_not(address):
    """Quoted, commented, several, or with something behind it."""
    assert not valid_address(address)
