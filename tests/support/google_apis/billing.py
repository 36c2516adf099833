"""Budgets of a billing account.

Source: https://cloud.google.com/billing/docs/reference/budget/rest/v1/billingAccounts.budgets
"""

from __future__ import annotations

import uuid
from typing import Any

from tests.support.google_apis import common
from tests.support.google_apis.server import Asked, Route
from tests.support.google_apis.state import PROJECT_NUMBER, Refused, State

ACCOUNT = "billingAccounts/*"
BUDGET = f"{ACCOUNT}/budgets/*"


def _checked(state: State, body: dict[str, Any]) -> dict[str, Any]:
    money = body.get("amount", {}).get("specifiedAmount", {})
    if int(money.get("units", 0)) < 1 or money.get("currencyCode") not in {None, "", "EUR"}:
        raise Refused(400, "INVALID_ARGUMENT", "A budget takes an amount in the billing account's currency.")
    if body.get("budgetFilter", {}).get("projects") != [f"projects/{PROJECT_NUMBER}"]:
        raise Refused(400, "INVALID_ARGUMENT", "Projects are named by their number here.")
    if any(not 0 < float(rule.get("thresholdPercent", 0)) <= 10 for rule in body.get("thresholdRules", ())):
        raise Refused(400, "INVALID_ARGUMENT", "A threshold is a part of the amount.")
    for channel in body.get("notificationsRule", {}).get("monitoringNotificationChannels", ()):
        state.get(channel)
    amount = {"specifiedAmount": {"units": str(money["units"]), "currencyCode": "EUR"}}
    rules = [{"spendBasis": "CURRENT_SPEND", **rule} for rule in body.get("thresholdRules", ())]
    return {**body, "amount": amount, "thresholdRules": rules}


def _create(state: State, asked: Asked) -> Any:
    name = f"{asked.name}/budgets/{uuid.UUID(int=state.number())}"
    return state.create(name, {**_checked(state, asked.body), "name": name})


def _update(state: State, asked: Asked) -> Any:
    merged = common.masked(state.get(asked.name), asked.body, asked.query.get("updateMask", ""))
    state.resources[asked.name] = {**_checked(state, merged), "name": asked.name}
    return state.resources[asked.name]


ROUTES = [
    Route.of("GET", f"/v1/{{{ACCOUNT}}}/budgets", common.lists("budgets", "budgets")),
    Route.of("POST", f"/v1/{{{ACCOUNT}}}/budgets", _create),
    Route.of("GET", f"/v1/{{{BUDGET}}}", common.get),
    Route.of("PATCH", f"/v1/{{{BUDGET}}}", _update),
]
