"""The judge of a trial: from the destinations' own logs, matched by alert id, and from the documents at the end.

Lost is what was accepted and neither arrived nor reached a person; unexpected is what arrived and was never accepted.
A duplicate is allowed where an answer was not seen, or a holder stalled past its lease, and never at Monday.com.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.domain import ids
from shared.domain.alert import CANARY, DEAD_LETTER_STATUS, FOLLOWUP, RELAYED, State
from tests.support.harness.trial import LOGS, SEND_SECONDS, Ran, Trial, sending_of

UNSEEN = "sent, answer not seen"
STALLED = "holder stalled past its lease"
UNEXPLAINED = "unexplained"
WAITING = ("queued", "sending", "parked")
UNSENT = (State.SUPPRESSED, State.ERASED)
_STATUS = {state.value: status for state, status in DEAD_LETTER_STATUS.items()}


@dataclass
class Verdict:
    """What a trial came to.

    Attributes:
        lost: ids of alerts.
        unexpected: ids that a destination shows and should not.
        duplicates: by window and channel.
        unbalanced: tallies that do not agree with the alerts.
        broken: rules that were broken, in words.
        missed: the call that was to be struck was not made.
    """

    lost: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    duplicates: Counter[tuple[str, str]] = field(default_factory=Counter)
    unbalanced: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    missed: bool = False

    @property
    def wrong(self) -> list[str]:
        """Everything that must not be."""
        found = [f"lost {each}" for each in self.lost] + [f"unexpected {each}" for each in self.unexpected]
        for (window, channel), number in self.duplicates.items():
            if window == UNEXPLAINED or channel == "monday":
                found.append(f"{number} duplicates at {channel}: {window}")
        return found + self.unbalanced + self.broken


def judge(trial: Trial, *, calls: Sequence[str] = (), unseen: bool = False, single: bool = False) -> Verdict:
    """Judge a trial that was drained.

    Args:
        trial: with everything read at its end.
        calls: what the struck step calls when nothing strikes it.
        unseen: a destination took an attempt without answering it.
        single: all visitors of the trial are one, with one key.
    """
    verdict = Verdict(broken=list(_canaries(trial)))
    shown = {channel: [name for each in trial.received(channel) for name in _ids_of(channel, each)] for channel in LOGS}
    accepted = _accepted(trial)
    for alert_id, alert in accepted.items():
        if alert.get("state") in UNSENT:
            continue
        anywhere = {each for ids_shown in shown.values() for each in ids_shown}
        arrived = alert_id in (anywhere if alert["kind"] in RELAYED else shown[alert["channel"]])
        if not arrived and ids.escalation_id(alert_id, alert.get("epoch", 1)) not in anywhere:
            verdict.lost.append(f"{alert_id} ({alert['channel']} {alert['kind']})")
    for channel, found in shown.items():
        for alert_id, number in Counter(found).items():
            alert = accepted.get(alert_id)
            if alert is None or channel not in (alert.get("route") or [alert["channel"]]):
                verdict.unexpected.append(f"{alert_id} ({channel})")
            if number > 1:
                window = _window(trial, alert_id, channel, calls, unseen=unseen)
                if alert is not None and alert["kind"] == FOLLOWUP:
                    verdict.broken.append(f"{number} copies of the follow-up {alert_id}: at most one is allowed")
                verdict.duplicates[window, channel] += number - 1
    verdict.unbalanced += _unbalanced(trial.last)
    verdict.broken += [
        *_documents(trial),
        *_followups(trial),
        *_erased(trial),
        *_people(trial, accepted, single=single),
    ]
    return verdict


def _canaries(trial: Trial) -> Iterator[str]:
    """Of canaries nothing is left, and they were counted nowhere; the other rules are of leads, and do not see them."""
    left = [each for each in trial.last["alerts"].values() if each["kind"] == CANARY]
    for looked in trial.snapshots:
        looked["alerts"] = {name: each for name, each in looked["alerts"].items() if each["kind"] != CANARY}
    if left:
        yield f"{len(left)} alerts of canaries are left: {[each['state'] for each in left]}"
    for name, conversation in trial.last["conversations"].items():
        if conversation.get("canary"):
            yield f"the canary's conversation {name} is left"
    for item in trial.canaries("monday"):
        if any(run_id in str(item) for run_id in trial.last["canary_runs"]):
            yield f"the canary's item is left: {item['column_values']}"


def _accepted(trial: Trial) -> dict[str, dict[str, Any]]:
    """By id: what a visitor's answer promises, and every alert that was ever seen."""
    channels = [name.strip() for name in trial.project.environ["LEAD_CHANNELS"].split(",")]
    promised = {
        ids.alert_id(body["conversation_id"], "lead", channel): {"channel": channel, "kind": "lead"}
        for body in trial.answered
        for channel in channels
    }
    return promised | {name: each for looked in trial.snapshots for name, each in looked["alerts"].items()}


def _ids_of(channel: str, message: dict[str, Any]) -> list[str]:
    """The ids a message shows: one, or those of a digest's leads."""
    if channel == "slack" and "digest" in message["text"]:
        sections = [block["text"]["text"] for block in message["blocks"] if block["type"] == "section"]
        return re.findall(r"· alert ([0-9a-f]{32})", "\n".join(sections))
    return [_id_of(channel, message)]


def _id_of(channel: str, message: dict[str, Any]) -> str:
    """The alert's id, as a person finds it at the destination (rule 14)."""
    match channel:
        case "slack":
            found = re.search(r"· alert ([0-9a-f]{32})", message["text"])
        case "email":
            found = re.match(r"<alert\.([0-9a-f]{32})\.", message["message_id"])
        case "monday":
            found = re.fullmatch(r"([0-9a-f]{32})", message["column_values"]["text_alert"])
        case _:
            found = re.fullmatch(r"([0-9a-f]{32})", message["body"]["data"]["alert_id"])
    return found[1] if found else f"no id in {str(message)[:200]}"


def _window(trial: Trial, alert_id: str, channel: str, calls: Sequence[str], *, unseen: bool) -> str:
    """Which of the two windows explains it, if one does."""
    digests = {name for name, digest in trial.last["digests"].items() if alert_id in digest["members"]}
    steps = [ran for ran in trial.ran if ran.step.do == "deliver"]
    attempts = [
        ran
        for ran in steps
        if ran.step.arguments.get("alert_id") == alert_id or ran.step.arguments.get("digest_id") in digests
    ]
    if unseen or any(_was_not_seen(ran, sending_of(channel), calls) for ran in attempts):
        return UNSEEN
    if any(ran.answer.seconds >= trial.policy["lease"] for ran in attempts):
        return STALLED
    if any(ran.answer.seconds >= SEND_SECONDS for ran in attempts):  # the deadline passed, on a busy machine
        return UNSEEN
    return UNEXPLAINED


def _was_not_seen(ran: Ran, sending: str, calls: Sequence[str]) -> bool:
    """Whether this attempt sent, and its outcome could not be known or not be saved for the strike."""
    strike = ran.strike
    if strike is None or sending not in calls:
        return False
    places = [place for place, label in enumerate(calls) if label == strike.label]
    if len(places) < strike.number:
        return False
    if strike.label == sending:
        return strike.mode in ("after", "exit_after")
    return places[strike.number - 1] > calls.index(sending)


def _unbalanced(last: dict[str, Any]) -> Iterator[str]:
    """Rule 1, for each channel and kind: accepted = the alerts there are + archived."""
    accepted: Counter[tuple[str, str]] = Counter()
    there = Counter((each["channel"], each["kind"]) for each in last["alerts"].values())
    for tally in last["tallies"].values():
        accepted[tally["channel"], tally["kind"]] += tally.get("accepted", 0) - tally.get("archived", 0)
    for key in accepted | there:
        if accepted[key] != there[key]:
            yield f"unbalanced {' '.join(key)}: {accepted[key]} accepted and not archived, {there[key]} there"


def _documents(trial: Trial) -> Iterator[str]:
    for looked in trial.snapshots:
        for name, alert in looked["alerts"].items():
            if (alert["wake_at"] is not None) != (alert["state"] in WAITING):
                yield f"{name} is {alert['state']} with wake_at {alert['wake_at']}"
    if not trial.drained:
        states = sorted(each["state"] for each in trial.last["alerts"].values())
        yield f"something waits after the drain: {states}"
    letters = {name: letter["status"] for name, letter in trial.last["dead_letters"].items()}
    due = {name: _STATUS[each["state"]] for name, each in trial.last["alerts"].items() if each["state"] in _STATUS}
    if letters != due:
        yield f"dead letters {letters}, but the alerts call for {due}"
    most = int(trial.project.environ["QUICK_ATTEMPTS"]) + int(trial.project.environ["DEAD_LETTER_MAX_ATTEMPTS"])
    for name, alert in trial.last["alerts"].items():
        if alert["attempts"] > most:
            yield f"{name} used {alert['attempts']} attempts of {most}"


def _followups(trial: Trial) -> Iterator[str]:
    """Each number once, and none that is due is forgotten: there is an alert, whatever became of it."""
    if "FOLLOWUP_DELAYS" not in trial.project.environ:
        return
    for name, followup in trial.last["followups"].items():
        if followup["alert_id"] not in trial.last["alerts"]:
            yield f"the follow-up {name} has no alert"
    made = {each["conversation_id"] for each in trial.last["followups"].values()}
    for name, conversation in trial.last["conversations"].items():
        if (conversation.get("consent") or {}).get("marketing") and name not in made | trial.exempt:
            yield f"the conversation {name} was forgotten"


def _erased(trial: Trial) -> Iterator[str]:
    """Of whoever had everything erased nothing is left."""
    for email in trial.erased:
        for name in ("alerts", "dead_letters", "conversations", "erasures", "followups"):
            if email in str(trial.last[name]):
                yield f"{name} still has the address of somebody who was erased"
        for channel in ("monday",):
            if any(email in str(each) for each in trial.received(channel)):
                yield f"{channel} still shows somebody who was erased"


def _tells(alert: dict[str, Any]) -> bool:
    """Whether it is an escalation; one that was erased with what it told of says nothing any more."""
    return alert["kind"] == "escalation" and alert["state"] != State.ERASED


def _people(trial: Trial, accepted: dict[str, dict[str, Any]], *, single: bool) -> Iterator[str]:
    """Visitors that were answered are leads that are held; a person is told of what failed, and of nothing else."""
    ever = {name: each for looked in trial.snapshots for name, each in looked["alerts"].items()}
    for name in accepted.keys() - ever.keys():
        yield f"a visitor was answered, and the alert {name} is not held"
    for body in trial.answered:
        conversation = trial.last["conversations"].get(body["conversation_id"])
        if conversation is not None and "erased_at" in conversation:
            continue
        if conversation is None or conversation["email"] != body["email"]:
            yield f"a visitor was answered, and the conversation {body['conversation_id']} is not held"
    told = {each["payload"]["alert_id"]: each for each in ever.values() if _tells(each)}
    failed = {name for name, each in ever.items() if each["state"] == State.FAILED}
    if set(told) != failed:
        yield f"escalations of {sorted(told)}, but failed are {sorted(failed)}"
    for name, escalation in told.items():
        letter = trial.last["dead_letters"].get(name)
        if escalation["state"] == State.DELIVERED and letter is not None and letter["escalated_at"] is None:
            yield f"a person was told of {name}, and its dead letter does not say so"
    leads = Counter(each["channel"] for each in accepted.values() if each["kind"] == "lead")
    if single and max(leads.values(), default=0) > 1:
        yield f"one visitor with one key made {dict(leads)}"
