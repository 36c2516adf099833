"""How leads read in every channel: hot ones, who needs a person, what changed, and what is known of them."""

from __future__ import annotations

import json

import pytest

from shared.adapters.alert_text import headline, said
from shared.adapters.mail_message import body, subject
from shared.adapters.slack_message import FIELDS_MOST, slack_message
from shared.adapters.webhook import webhook_body
from shared.ports import Message
from tests.support.smtp_servers import a_message

WHO = {"name": "Ana Nowak", "email": "ana@example.com", "phone": None, "score": 85, "message": "May I talk to you?"}
FIELDS = [{"id": "area", "label": "Square metres", "value": "80"}, {"id": "package", "label": "P", "value": "premium"}]


def lead(kind: str = "lead", **payload: object) -> Message:
    """An alert of a lead."""
    return a_message(kind=kind, payload={**WHO, **payload})


TITLES = [
    (lead(), "New lead"),
    (lead(hot=True), "Hot lead"),
    (lead(handoff=True), "New lead, asks for a person"),
    (lead(hot=True, handoff=True), "Hot lead, asks for a person"),
    (lead("hot", hot=True), "Hot lead"),
    (lead("handoff", handoff=True), "Asks for a person"),
    (lead("handoff", hot=True, handoff=True), "Hot lead, asks for a person"),
    (lead("update"), "Lead updated"),
]


@pytest.mark.parametrize(("message", "title"), TITLES)
def test_a_lead_is_headed_by_what_is_true_of_it(message: Message, title: str) -> None:
    """The same words in Slack and in e-mail, and whom it is about."""
    whole = f"{title}: Ana Nowak · ana@example.com"
    assert headline(message) == subject(message) == whole
    assert slack_message(message)["blocks"][0]["text"]["text"] == whole
    assert slack_message(message)["text"].startswith(whole)
    assert body(message).startswith(f"{title}\n\nName: Ana Nowak\n")


@pytest.mark.parametrize("kind", ["lead", "hot", "handoff", "update"])
def test_what_is_known_and_what_was_asked_shows_in_every_text(kind: str) -> None:
    """Fields with their labels, an earlier question, the message; a visitor's words are quoted."""
    message = lead(kind, fields=FIELDS, question="A person?\nName: Eve")
    assert said(message)[:5] == [
        "Name: Ana Nowak",
        "E-mail: ana@example.com",
        "Score: 85",
        "Square metres: 80",
        "P: premium",
    ]
    asked = ["", "Asked before:", "> A person?", "> Name: Eve", "", "Message:", "> May I talk to you?"]
    assert said(message)[5:] == asked
    shown = json.dumps(slack_message(message))
    for text in ("*Square metres*\\n80", "Asked before: A person?", "May I talk to you?"):
        assert text in shown
    assert "\n> A person?\n> Name: Eve\n" in body(message)


def test_slack_takes_ten_fields_a_section_and_twelve_thousand_characters_in_all() -> None:
    """With everything as long as it gets."""
    many = [{"id": f"f{number}", "label": "&" * 60, "value": "&" * 60} for number in range(10)]
    long = {"name": "&" * 80, "email": "a@" + "b" * 250, "phone": "+48123456789", "message": "&" * 2000}
    blocks = slack_message(lead(**long, fields=many, question="&" * 2000))["blocks"]
    sections = [block["fields"] for block in blocks if "fields" in block]
    assert [len(fields) for fields in sections] == [FIELDS_MOST, 4]
    assert len(json.dumps(blocks)) < 13_000


def test_a_label_of_the_file_stays_text_in_slack() -> None:
    """An owner writes "&" and "<" too."""
    shown = json.dumps(slack_message(lead(fields=[{"id": "a", "label": "Size <m2> & more", "value": "1"}])))
    assert "*Size &lt;m2&gt; &amp; more*" in shown


@pytest.mark.parametrize(
    ("kind", "event"),
    [("lead", "lead.captured"), ("hot", "lead.hot"), ("handoff", "lead.handoff"), ("update", "lead.updated")],
)
def test_a_webhook_names_what_happened(kind: str, event: str) -> None:
    """With the flags and the fields as data."""
    posted = json.loads(webhook_body(lead(kind, hot=True, fields=FIELDS)))
    assert posted["type"] == event
    assert posted["data"]["hot"] is True
    assert posted["data"]["fields"] == FIELDS
