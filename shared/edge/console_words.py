"""What the console calls things: machine words become words for people. What is not listed is shown as it is."""

from __future__ import annotations

from collections.abc import Mapping

CHANNELS: Mapping[str, str] = {
    "slack": "Slack",
    "monday": "Monday.com",
    "email": "E-mail",
    "webhook": "Webhook",
    "apprise": "Apprise",
}

KINDS: Mapping[str, str] = {
    "lead": "New lead",
    "update": "Lead changed",
    "digest": "Digest",
    "canary": "Canary",
    "imported": "Imported",
    "hot": "Hot lead",
    "handoff": "Asks for a person",
    "escalation": "Escalation",
    "notice": "Notice",
    "overdue": "Overdue notice",
    "followup": "Follow-up",
}

STATES: Mapping[str, tuple[str, str]] = {
    # state → (what it is called, its tone)
    "queued": ("Queued", "busy"),
    "sending": ("Sending", "busy"),
    "delivered": ("Delivered", "good"),
    "parked": ("Parked", "wait"),
    "pending": ("Waiting", "wait"),
    "failed": ("Failed", "bad"),
    "waived": ("Waived", "idle"),
    "suppressed": ("Suppressed", "idle"),
    "superseded": ("Superseded", "idle"),
    "erased": ("Erased", "idle"),
    "open": ("Open", "bad"),
    "half_open": ("Finding out", "wait"),
    "half-open": ("Finding out", "wait"),
    "closed": ("Closed", "good"),
    "enabled": ("On", "good"),
    "paused": ("Paused", "wait"),
    "disabled": ("Off", "bad"),
    "running": ("Running", "busy"),
    "done": ("Done", "good"),
    "retry": ("Will be tried again", "wait"),
    "rejected": ("Refused", "bad"),
    "blocked": ("Blocked", "bad"),
    "unconfirmed": ("Not confirmed", "wait"),
    "waiting": ("Waiting", "wait"),
    "missing": ("Missing", "bad"),
    "late": ("Late", "bad"),
    "well": ("Well", "good"),
    "succeeded": ("Succeeded", "good"),
    "retrying": ("Retrying", "wait"),
    "certified": ("Certified", "good"),
    "finished": ("Finished", "good"),
}

ACTIONS: Mapping[str, str] = {
    "redrive": "Sent again",
    "restore": "Restored",
    "waive": "Waived",
    "breaker": "Set a breaker",
    "job_run": "Ran a job",
    "job_pause": "Paused a job",
    "job_resume": "Resumed a job",
    "export": "Exported",
    "bundle": "Downloaded a bundle",
}

JOBS: Mapping[str, str] = {
    "retry_dead_letters": "Retry dead letters",
    "cleanup": "Clean-up",
    "cleanup_daily": "Daily clean-up",
    "send_followups": "Follow-ups",
    "canary": "Canary",
}

MODES: Mapping[str, str] = {
    "auto": "Automatic",
    "open": "Forced open",
    "closed": "Forced closed",
}

NOTICES: Mapping[str, str] = {
    "waived": "Waived. It is kept with your reason and will not be sent again.",
    "breaker-open": "Forced open: nothing is sent there until you change it back.",
    "breaker-closed": "Forced closed: everything is sent there, whatever fails.",
    "breaker-auto": "Back to automatic: the breaker decides by what happens.",
    "job-run": "Asked to run now. Its last run shows here once it has ended.",
    "job-pause": "Paused. It does not run until it is resumed.",
    "job-resume": "Resumed. It runs at its next time.",
    "signed-out": "You are signed out.",
}


def state_word(state: str) -> str:
    """What a state is called."""
    return STATES.get(state, (_plain(state), "idle"))[0]


def tone(state: str) -> str:
    """How a state is coloured: ``good``, ``wait``, ``bad``, ``busy`` or ``idle``."""
    return STATES.get(state, ("", "idle"))[1]


def word(name: str, names: Mapping[str, str]) -> str:
    """What a machine word is called."""
    return names.get(name) or _plain(name)


def _plain(name: str) -> str:
    spaced = name.replace("_", " ").replace("-", " ").strip()
    return spaced[:1].upper() + spaced[1:]
