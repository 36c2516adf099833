"""What each request to the console is answered with: the flow that it is for, and the status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from shared.edge import admin_asks as asks
from shared.flows.operations import ListDeadLetters, WaiveAlert
from shared.flows.operations_breakers import MoveBreaker
from shared.flows.operations_bundle import TakeBundle
from shared.flows.operations_jobs import MoveJob
from shared.flows.operations_leads import Export, FindLead
from shared.flows.operations_redrive import RequestRedrive
from shared.ports.operations import Wanted

if TYPE_CHECKING:
    from shared.bootstrap.for_admin import Console

ACCEPTED = (asks.RedriveRequest,)
"""Requests that are answered with 202: they go on by themselves."""


def console_answer(console: Console, asked: asks.AdminRequest) -> tuple[dict[str, Any], int]:
    """The answer to a request that was read, and its status.

    Raises:
        RequestError: what the flow refuses.
    """
    return ANSWERS[type(asked)](console, asked), 202 if isinstance(asked, ACCEPTED) else 200


def _alerts(console: Console, asked: asks.AlertsQuery) -> dict[str, Any]:
    return console.flow.alerts_of(asked.email) if asked.email is not None else console.flow.alert(str(asked.id))


def _dead_letters(console: Console, asked: asks.DeadLettersQuery) -> dict[str, Any]:
    statuses = (asked.status,) if asked.status else None
    wanted = Wanted(statuses, asked.cause, asked.channel, asked.since, asked.before)
    return console.flow.dead_letters(ListDeadLetters(wanted, asked.limit, asked.after))


def _redrive(console: Console, asked: asks.RedriveRequest) -> dict[str, Any]:
    wanted = Wanted(asked.statuses, asked.cause, asked.channel, asked.since, asked.before)
    return console.redrive(RequestRedrive(asked.ids, wanted, asked.reason, asked.by))


ANSWERS: Mapping[type, Callable[[Console, Any], dict[str, Any]]] = {
    asks.AlertsQuery: _alerts,
    asks.DeadLettersQuery: _dead_letters,
    asks.RedriveRequest: _redrive,
    asks.RedriveQuery: lambda console, asked: console.redrive.find(asked.id),
    asks.WaiveRequest: lambda console, asked: console.flow.waive(WaiveAlert(asked.id, asked.reason, asked.by)),
    asks.BundleQuery: lambda console, asked: console.bundle(TakeBundle(asked.id, asked.reason, asked.by)),
    asks.ConservationQuery: lambda console, _: console.flow.conservation(),
    asks.CanaryQuery: lambda console, _: console.canary(),
    asks.OverviewQuery: lambda console, _: console.overview.overview(),
    asks.HistoryQuery: lambda console, asked: console.overview.history(asked.hours),
    asks.BreakersQuery: lambda console, _: console.breakers.listed(),
    asks.BreakerRequest: lambda console, asked: console.breakers.move(
        MoveBreaker(asked.channel, asked.mode, asked.reason, asked.by)
    ),
    asks.JobsQuery: lambda console, _: console.jobs.listed(),
    asks.JobRequest: lambda console, asked: console.jobs.move(MoveJob(asked.name, asked.verb, asked.reason, asked.by)),
    asks.LeadsQuery: lambda console, asked: console.leads.find(FindLead(asked.email, asked.phone, asked.id)),
    asks.ConversationQuery: lambda console, asked: console.leads.conversation(asked.id, asked.limit, asked.after),
    asks.ExportQuery: lambda console, asked: console.leads.export(Export(asked.id, asked.reason, asked.by)),
    asks.OperatorAuditQuery: lambda console, asked: console.audit.listed(asked.limit, asked.after),
    asks.AuditQuery: lambda console, asked: console.rights.audit(asked.email, asked.limit, asked.after),
    asks.ErasuresQuery: lambda console, asked: console.rights.erasures(asked.id),
}
