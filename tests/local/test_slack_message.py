"""What Slack checks in a message, limit by limit."""

import pytest

from infra.local.standins.slack_message import as_shown, error_of


def section(text):
    """A section block."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def header(text, kind="plain_text"):
    """A header block."""
    return {"type": "header", "text": {"type": kind, "text": text}}


def context(elements):
    """A context block of so many texts."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * elements}


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "divider"}] * 50,
        [section("x" * 3000)],
        [header("x" * 150)],
        [context(10)],
        [{"type": "context", "elements": [{"type": "image", "image_url": "https://x", "alt_text": "x"}]}],
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 10}],
        [{"type": "rich_text", "elements": []}],
        [section("x" * 2900)] * 4,
    ],
)
def test_blocks_at_their_limits_are_taken(blocks):
    """The last size that fits."""
    assert error_of({"text": "x", "blocks": blocks}) is None


@pytest.mark.parametrize(
    "message", [{}, {"text": ""}, {"text": " \n"}, {"text": None}, {"blocks": []}, {"text": "", "attachments": []}]
)
def test_a_message_that_says_nothing_has_no_text(message):
    """Neither a text nor blocks."""
    assert error_of(message) == "no_text"


@pytest.mark.parametrize("blocks", ["[]", {"type": "divider"}, [1], [[]], True])
def test_blocks_that_are_no_list_of_objects_have_the_wrong_format(blocks):
    """Among them the list that was serialised twice."""
    assert error_of({"text": "x", "blocks": blocks}) == "invalid_blocks_format"


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "divider"}] * 51,
        [section("x" * 3001)],
        [section("")],
        [{"type": "section"}],
        [{"type": "section", "text": "x"}],
        [{"type": "section", "fields": []}],
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}],
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
        [header("x" * 151)],
        [header("x", kind="mrkdwn")],
        [context(0)],
        [context(11)],
        [{"type": "made_up"}],
        [{"type": None}],
        [{}],
        [{"type": "divider", "block_id": "x" * 256}],
    ],
)
def test_blocks_past_a_limit_are_invalid(blocks):
    """50 blocks, 3,000 characters a section, 150 of plain text a header, 10 fields of 2,000."""
    assert error_of({"text": "x", "blocks": blocks}) == "invalid_blocks"


def test_blocks_of_more_than_13000_characters_together_are_too_long():
    """Each is within its limit; the message is not."""
    assert error_of({"text": "x", "blocks": [section("x" * 2600)] * 5}) == "msg_blocks_too_long"


def test_more_than_100_attachments_are_too_many():
    """100 are taken."""
    assert error_of({"attachments": [{"text": "x"}] * 100}) is None
    assert error_of({"attachments": [{"text": "x"}] * 101}) == "too_many_attachments"


def test_attachments_that_are_no_list_of_objects_are_an_invalid_payload():
    """As the rest of the body."""
    assert error_of({"attachments": ["x"]}) == "invalid_payload"


def test_a_text_is_cut_at_40000_characters_and_nothing_else_is_touched():
    """What is shown is what was posted, up to there."""
    whole = {"text": "x" * 40_000, "blocks": [section("x")]}
    assert as_shown(whole) is whole
    assert as_shown({**whole, "text": "x" * 50_000}) == whole
