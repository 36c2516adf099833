"""The account of unsubscribe lost its role: nobody can opt out until it has it again."""

import requests

from tests.support.cloud_project import PROJECT

ROLE, ACCOUNT = "roles/datastore.user", "bellhop-unsubscribe"
NO_DATABASE = {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:9"}


def bindings(day):
    """Who has which role in the project."""
    return day.cloud.state.policies[f"projects/{PROJECT}"]["bindings"]


def has_role(day):
    """Whether the account has it."""
    return any(
        binding["role"] == ROLE
        and any(member.startswith(f"serviceAccount:{ACCOUNT}@") for member in binding["members"])
        for binding in bindings(day)
    )


def opts_out(day, email):
    """The status that somebody gets who opts an address out."""
    return requests.post(f"{day.system.url}/unsubscribe", json={"email": email}, timeout=30).status_code


def followups(day):
    """How the job that sends follow-ups stands."""
    return next(each["state"] for each in day.system.console("jobs")["jobs"] if each["name"] == "send_followups")


def test_the_day(day):
    """Whoever was told that it failed can do it afterwards; follow-ups waited meanwhile."""
    try:
        play(day)
    finally:
        day.session.run("python -m infra.ops job send_followups resume")


def play(day):
    """The whole day."""
    settings = "functions/unsubscribe/settings"
    day.given(UNSUBSCRIBE_URL=f"{day.system.url}/unsubscribe")
    day.leads(2)
    assert opts_out(day, "before@example.com") == 200
    day.begins("unsubscribe may not use the database")
    for binding in bindings(day):
        binding["members"] = [each for each in binding["members"] if f":{ACCOUNT}@" not in each]
    assert not has_role(day)
    day.system.local("PUT", settings, json=NO_DATABASE)  # as the database would refuse it
    assert opts_out(day, "during@example.com") == 503
    day.fires("unsubscribe-fails")
    day.leads(2)
    assert "503" in day.follows("How to see it")
    assert "bellhop-unsubscribe" in day.follows("Recovery")
    assert has_role(day)
    day.system.local("DELETE", settings)  # which is what the role is for
    day.recovers(lambda: opts_out(day, "during@example.com") == 200)
    seen = day.follows("How to know it worked")
    assert "200" in seen
    assert followups(day) == "paused"
    day.follows("How to undo it")
    assert followups(day) == "enabled"
    day.loses_nothing()
