"""Every event the functions log, by name, and how it is written.

One line of JSON an event on standard output, as Cloud Logging reads it
(https://cloud.google.com/logging/docs/structured-logging). Only registered names and fields are written, so that no
e-mail, message text or secret can reach a log through here; alert policies and runbooks find events by these names.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

SEVERITIES: Mapping[str, str] = {
    "admin_limited": "ERROR",  # somebody tries admin keys: no more are looked at for a while
    "admin_refused": "WARNING",  # a wrong admin key
    "admin_signed_in": "INFO",  # in a browser
    "alert_busy": "INFO",  # another holder's lease is live: the task comes back
    "alert_delivered": "INFO",
    "alert_expired": "WARNING",  # its holder's lease ran out
    "alert_failed": "CRITICAL",  # it will not be sent again by itself: a person must look
    "alert_ignored": "INFO",  # its task was of an older generation, or the alert rests
    "alert_made": "INFO",  # an escalation, a notice or a follow-up
    "alert_outcome_lost": "WARNING",  # sent by a holder whose lease had run out
    "alert_overdue": "CRITICAL",  # it has been waiting for so long that a person is told
    "alert_parked": "WARNING",
    "alert_postponed": "INFO",  # left to a task that still waits, or to a repair
    "alert_repeated": "WARNING",  # queued again within its quick attempts
    "alert_requeued": "INFO",  # by the sweep
    "alert_superseded": "INFO",  # an update of a lead that was not sent, as a newer version stands
    "alert_suppressed": "INFO",  # not sent: opted out, erased, replied, or the address takes no mail
    "alert_unreadable": "CRITICAL",  # its document is not what this version takes it for
    "alert_unwritable": "CRITICAL",  # storage refuses what it is to become
    "alert_waived": "WARNING",  # a person ended it
    "breaker_closed": "INFO",  # a destination is well again: what waited goes out
    "breaker_forced": "WARNING",  # a person says how it stands
    "breaker_opened": "ERROR",  # a destination failed so often that it is left alone for a while
    "breaker_reopened": "WARNING",  # the attempt that was to find out failed
    "breaker_unwritable": "WARNING",  # what an attempt came to could not be counted
    "budget_spent": "WARNING",  # answered with the contact form: the day's messages are used up
    "canary_arrived": "INFO",  # a made-up lead was delivered in time
    "canary_interrupted": "WARNING",  # the run that was to send one died: nothing is known
    "canary_late": "ERROR",  # one was not delivered in time: leads may not be either
    "canary_missing": "ERROR",  # none was sent for too long
    "canary_moved": "INFO",  # the alert of one has another state
    "canary_waits": "WARNING",  # what one left cannot be removed yet
    "channel_broken": "ERROR",  # our own code failed while sending
    "claim_outlived": "WARNING",  # a turn took longer than its key's claim
    "cleanup_finished": "INFO",
    "config_invalid": "CRITICAL",
    "destination_blocked": "ERROR",  # a person must repair it
    "destination_drained": "INFO",
    "destination_repaired": "INFO",
    "destination_resumed": "WARNING",  # a probe failed in another way: alerts live by their budgets again
    "digest_delivered": "INFO",  # many leads in one message
    "digest_divided": "WARNING",  # refused as it was: its halves are sent
    "digest_failed": "WARNING",  # its members wait for another one
    "digest_ignored": "INFO",  # nothing waits for it any more
    "digest_lost": "WARNING",  # sent by a holder whose lease had run out
    "digest_made": "INFO",
    "digest_withheld": "INFO",  # its destination takes nothing just now
    "enqueue_failed": "WARNING",  # the sweep will find the alert
    "erasure_finished": "INFO",  # certified
    "erasure_overdue": "ERROR",  # it was asked for so long ago that a person is told
    "erasure_requested": "INFO",
    "erasure_waits": "WARNING",  # for a destination, or for an alert that is being sent; it goes on by itself
    "escalation_undelivered": "CRITICAL",  # none of its channels took it; it goes on
    "followups_finished": "INFO",
    "function_started": "INFO",
    "limiter_fallback": "WARNING",  # Redis does not answer: limits are counted in Firestore
    "limiter_recovered": "INFO",
    "migration_begun": "INFO",  # a run or a rollback was asked for
    "migration_finished": "INFO",
    "migration_overtaken": "WARNING",  # a slice's holder was late, and another one goes on
    "migration_planned": "INFO",
    "migration_refused": "WARNING",  # under way already, or its code has changed since it was run
    "model_closed": "INFO",  # the language model answers again
    "model_failed": "WARNING",  # it gave no answer, or none that may be said: the visitor was told what is true without
    "model_opened": "ERROR",  # it is not asked for a while
    "not_balanced": "CRITICAL",  # not every alert that was accepted is accounted for
    "opted_out": "INFO",
    "opt_out_undone": "INFO",
    "redrive_finished": "INFO",
    "redrive_requested": "INFO",
    "request_failed": "ERROR",  # a bug: answered 500
    "request_refused": "INFO",  # over a limit of an endpoint other than chat
    "sample_failed": "WARNING",  # what charts show has a gap
    "scheduler_failed": "ERROR",  # Cloud Scheduler did not do what an operator asked for
    "slot_skipped": "INFO",  # another run of this slot is under way or done
    "storage_failed": "ERROR",  # answered 5xx, the caller may try again
    "sweep_finished": "INFO",
    "turn_answered": "INFO",
    "turn_refused": "INFO",  # over the limit
}

FIELDS = frozenset(
    {
        "alert_id",
        "attempts",
        "cause",
        "channel",
        "conversation_id",
        "count",
        "digest_id",
        "error",
        "function",
        "generation",
        "kind",
        "latency_ms",
        "postponed",
        "reason",
        "redrive_id",
        "run_id",
        "source",
        "state",
        "step",
    }
)


class UnknownEvent(KeyError):  # noqa: N818 - it says what it is
    """A name or field that is not registered: a mistake in the code that logs."""


def log(event: str, /, **values: str | float | None) -> None:
    """Write one event as a line of JSON.

    Args:
        event: a name from ``SEVERITIES``.
        values: fields from ``FIELDS``; ids, counts, machine words, names of error classes.

    Raises:
        UnknownEvent: the name or a field is not registered.
    """
    unknown = sorted(set(values) - FIELDS) if event in SEVERITIES else [event]
    if unknown:
        raise UnknownEvent(", ".join(unknown))
    line = {"severity": SEVERITIES[event], "message": event, "event": event, **values}
    sys.stdout.write(json.dumps({key: value for key, value in line.items() if value is not None}) + "\n")
    sys.stdout.flush()
