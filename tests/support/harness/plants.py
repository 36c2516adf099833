"""Bugs, each planted by replacing a piece of a built flow: the checker must find every one of them."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from shared.domain.alert import DEAD_LETTER_STATUS, State
from shared.domain.delivery import ended
from shared.domain.outcome import Delivered, Outcome, Retry
from shared.errors import StorageError
from shared.flows.deliver_alert import AlertDelivery, _message
from shared.ports import Channel, Message, Page, Step, StoredAlert, TurnCommit, Version
from shared.ports.migrations import Written

MEETING_SECONDS = 20.0


class _Store:
    """A store, some of it replaced."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _DeafToErrors(_Store):
    """The turn's commit may fail: the visitor is answered all the same."""

    def commit_turn(self, commit: TurnCommit) -> None:
        try:
            self._store.commit_turn(commit)
        except StorageError:
            return


class _WithoutTally(_Store):
    """An alert is made and not counted."""

    def commit_turn(self, commit: TurnCommit) -> None:
        self._store.commit_turn(commit)
        for found in self._database.client.collection("tallies").stream():
            found.reference.delete()


class _WithoutWakeAt(_Store):
    """An alert is queued with nothing to find it by."""

    def commit_turn(self, commit: TurnCommit) -> None:
        self._store.commit_turn(commit)
        for alert in commit.alerts:
            self._database.document("alerts", alert.id).update({"wake_at": None})


class _BlindToQueued(_Store):
    """The sweep sees the parked only."""

    def due(self, *how: Any, parked: bool, **named: Any) -> Page:
        return self._store.due(*how, parked=parked, **named) if parked else Page(())


class _WithoutLease(_Store):
    """A claim is not written: whoever has the task sends. Two meet there, so none is done before another begins."""

    def write(self, step: Step) -> Version:
        if step.after.state is not State.SENDING:
            return self._store.write(step)
        met = self._database.document("met", step.after.id)
        met.set({secrets.token_hex(8): True}, merge=True)
        end = time.monotonic() + MEETING_SECONDS
        while len(met.get().to_dict()) == 1 and time.monotonic() < end:
            time.sleep(0.01)
        return step.version


class _WithoutDeadLetter(_Store):
    """An alert rests without a dead letter."""

    def write(self, step: Step) -> Version:
        version: Version = self._store.write(step)
        if step.after.state in DEAD_LETTER_STATUS:
            self._database.document("dead_letters", step.after.id).delete()
        return version


class _DroppingUnknown(_Store):
    """An attempt nobody knows the end of ends the alert."""

    def write(self, step: Step) -> Version:
        history = step.after.history
        if len(history) > len(step.before.history) and history[-1].outcome == "unknown":
            step = replace(step, after=ended(step.after, State.SUPERSEDED, history[-1].at))
        return self._store.write(step)


class _Blind(_Store):
    """A migration writes whole documents as it read them, whatever they have become."""

    def write(self, changes: Sequence[Any], rate: float) -> list[Written]:
        for wanted in changes:
            document = wanted.found.document
            self._whole[document.id].update(wanted.change.fields)
            self._database.document(wanted.collection, document.id).set(self._whole[document.id])
        return [Written.DONE] * len(changes)

    def pages(self, selection: Any, after: str | None, limit: int) -> Iterator[Any]:
        collection = self._database.client.collection(selection.collection)
        self._whole = {found.id: found.to_dict() for found in collection.stream()}
        return self._store.pages(selection, after, limit)


class _Hasty(AlertDelivery):
    """Saves that it was delivered, then sends."""

    def _send(self, stored: StoredAlert, attempt: Any) -> str:
        state = self._save(attempt, Delivered())
        message = _message(stored, attempt, None)
        self.attempts(attempt.held.channel, message, attempt.breaker, began=attempt.began)
        return state


class _Channel:
    """A channel that does something else with a message."""

    def __init__(self, channel: Channel, does: Callable[[Channel, Message, float], Outcome]) -> None:
        self._channel, self._does = channel, does

    def send(self, message: Message, *, deadline: float) -> Outcome:
        return self._does(self._channel, message, deadline)


def _taken_for_success(channel: Channel, message: Message, deadline: float) -> Outcome:
    outcome = channel.send(message, deadline=deadline)
    return Delivered() if isinstance(outcome, Retry) and outcome.cause == "http_500" else outcome


def _twice(channel: Channel, message: Message, deadline: float) -> Outcome:
    channel.send(message, deadline=deadline)
    return channel.send(message, deadline=deadline)


def _another_too(channel: Channel, message: Message, deadline: float) -> Outcome:
    channel.send(replace(message, alert_id=secrets.token_hex(16)), deadline=deadline)
    return channel.send(message, deadline=deadline)


def _another_key(channel: Channel, message: Message, deadline: float) -> Outcome:
    return channel.send(replace(message, key=secrets.randbelow(10**9), first_sent_at=None), deadline=deadline)


def _deadly_poison(channel: Channel, message: Message, deadline: float) -> Outcome:
    if "poison" in str(message.payload.get("email")):
        os._exit(72)
    return channel.send(message, deadline=deadline)


def _poison(channel: Channel, message: Message, deadline: float) -> Outcome:
    if "poison" in str(message.payload.get("email")):
        raise ZeroDivisionError
    return channel.send(message, deadline=deadline)


def _stored(function: str, store: type[_Store]) -> Callable[[str, Any], Any]:
    def plant(name: str, built: Any) -> Any:
        return _changed(built, store=store(built.flow.store)) if name == function else built

    return plant


def _sending(does: Callable[[Channel, Message, float], Outcome]) -> Callable[[str, Any], Any]:
    def plant(name: str, built: Any) -> Any:
        if name != "deliver_alert":
            return built
        attempts = built.flow.attempts
        channels = {key: _Channel(each, does) for key, each in attempts.channels.items()}
        return _changed(built, attempts=replace(attempts, channels=channels))

    return plant


def _blind(name: str, built: Any) -> Any:
    if name != "admin_migration":
        return built
    store = _Blind(built.slice.store)
    return replace(built, slice=replace(built.slice, store=store))


def _telling_nobody(name: str, built: Any) -> Any:
    if name == "retry_dead_letters":
        moves = built.flow.moves
        return _changed(built, moves=replace(moves, steps=replace(moves.steps, escalation_channels=())))
    return _changed(built, escalation_channels=()) if name == "deliver_alert" else built


def _hasty(name: str, built: Any) -> Any:
    if name != "deliver_alert":
        return built
    return replace(built, flow=_Hasty(**{item.name: getattr(built.flow, item.name) for item in fields(built.flow)}))


def _changed(built: Any, **changes: Any) -> Any:
    return replace(built, flow=replace(built.flow, **changes))


PLANTS: dict[str, Callable[[str, Any], Any]] = {
    "the chat answers before its commit": _stored("chat", _DeafToErrors),
    "an alert is not counted": _stored("chat", _WithoutTally),
    "an alert has no wake_at": _stored("chat", _WithoutWakeAt),
    "delivered is saved before sending": _hasty,
    "the sweep skips queued alerts": _stored("retry_dead_letters", _BlindToQueued),
    "a 500 is taken for success": _sending(_taken_for_success),
    "nobody is told": _telling_nobody,
    "a claim without a lease": _stored("deliver_alert", _WithoutLease),
    "no dead letter": _stored("deliver_alert", _WithoutDeadLetter),
    "unknown drops the alert": _stored("deliver_alert", _DroppingUnknown),
    "sent twice": _sending(_twice),
    "something else is sent too": _sending(_another_too),
    "another key each time": _sending(_another_key),
    "a deadly poison": _sending(_deadly_poison),
    "a poison": _sending(_poison),
    "a migration writes without a condition": _blind,
}


def planted(name: str | None, function: str, built: Any) -> Any:
    """What a function needs, with the bug of that name in it."""
    return built if name is None else PLANTS[name](function, built)
