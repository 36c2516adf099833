"""The step for the budget of the place's project: who is written to when Google's bill grows. It stops nothing.

Made where a place names its billing account. Source: https://cloud.google.com/billing/docs/how-to/budgets
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.deploy.names import Names
from infra.deploy.place import Place
from infra.deploy.plan_monitoring import channel_of
from infra.deploy.plan_queues import differences
from infra.deploy.state import State
from infra.deploy.steps import Step
from infra.manifest_cloud import Budget

MOST_CHANNELS = 5
"""How many channels Google writes to for a budget."""


def budget(names: Names, state: State) -> Iterator[Step]:
    """The budget, where it is not there or differs. A channel that is not there yet is joined by the next run."""
    wanted, account = names.manifest.budget, names.place.billing_account
    if wanted is None or account is None or state.budgets is None:
        return
    name = f"Bellhop: {names.place.project}"
    current = next((each for each in state.budgets if each.get("displayName") == name), None)
    amount = names.place.monthly_budget or wanted.amount
    told = [channel for email in names.place.notify if (channel := channel_of(state, email))][:MOST_CHANNELS]
    of = (f"--billing-account={account}", f"--budget-amount={amount}", f"--filter-projects=projects/{names.number}")
    to = (f"--notifications-rule-monitoring-notification-channels={','.join(told)}",) if told else ()
    if current is None:
        argv = ("billing", "budgets", "create", f"--display-name={name}", *of, *_rules("threshold-rule", wanted), *to)
        yield Step("budget", "budget", argv, "there is no such budget")
    elif differs := _differs(names, wanted, amount, told, current):
        which = ("billing", "budgets", "update", str(current["name"]).rsplit("/", 1)[1])
        rules = ("--clear-threshold-rules", *_rules("add-threshold-rule", wanted))
        yield Step("budget", "budget", (*which, *of, *rules, *to), "; ".join(differs))


def unread(place: Place, state: State) -> tuple[str, ...]:
    """A line where this account may not look at the billing account: nothing is taken for missing because of that."""
    if state.budgets is not None:
        return ()
    return (f"the budget of the billing account {place.billing_account}: who may see it runs bootstrap",)


def _rules(flag: str, wanted: Budget) -> tuple[str, ...]:
    spent = [f"--{flag}=percent={percent / 100:g}" for percent in wanted.spent]
    return (*spent, *(f"--{flag}=percent={percent / 100:g},basis=forecasted-spend" for percent in wanted.expected))


def _differs(names: Names, wanted: Budget, amount: int, told: Sequence[str], current: Mapping[str, Any]) -> list[str]:
    there = current.get("thresholdRules", ())
    spent = [each for each in there if each.get("spendBasis", "CURRENT_SPEND") == "CURRENT_SPEND"]
    rule = current.get("notificationsRule", {})
    return differences(
        ("amount", int(current.get("amount", {}).get("specifiedAmount", {}).get("units", 0)), amount),
        ("percent spent", _percents(spent), _listed(wanted.spent)),
        ("percent expected", _percents([each for each in there if each not in spent]), _listed(wanted.expected)),
        ("projects", _listed(current.get("budgetFilter", {}).get("projects", ())), f"projects/{names.number}"),
        ("told", _listed(rule.get("monitoringNotificationChannels", ())), _listed(told)),
    )


def _percents(rules: Sequence[Mapping[str, Any]]) -> str:
    return _listed([round(100 * float(each.get("thresholdPercent", 0))) for each in rules])


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(each) for each in sorted(values))
