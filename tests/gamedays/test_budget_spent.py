"""More visitors write than the day's budget allows; the number is raised, and they get real answers again."""

from __future__ import annotations

from tests.support.gamedays.deploying import deploys, names
from tests.support.gamedays.editor import editor

SMALL, LARGE = "CHAT_DAILY_BUDGET: 3", "CHAT_DAILY_BUDGET: 500"
QUESTION = "What are your opening hours?"


def test_a_budget_that_is_spent_is_raised_and_leads_arrive_all_the_while(day, tmp_path):
    """Who leaves an address meanwhile is a lead all the same."""
    system = day.system
    answer = system.write(QUESTION).json()["response"]
    day.leads()
    day.begins("the day's budget is spent")
    names(day, "settings", *SMALL.split(": "))
    deploys(day, "chat")
    emails = day.leads(4)
    day.fires("budget-spent")
    form = system.write(QUESTION).json()["response"]
    assert form != answer
    day.given(EDITOR=editor(tmp_path, SMALL, LARGE))
    said = day.follows("How to see it")
    assert len([line for line in said.splitlines() if len(line.split()) == 2]) > 3
    said = day.follows("Recovery")
    assert "setting CHAT_DAILY_BUDGET: 3 → 500" in said
    day.recovers(lambda: system.write(QUESTION).json()["response"] == answer)
    day.follows("How to know it worked")
    day.loses_nothing()
    assert all(system.received(email) for email in emails)
