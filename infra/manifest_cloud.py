"""What the manifest says of the cloud beside functions, queues and jobs: accounts, Firestore, metrics, policies."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, field_validator

from infra import manifest_fields as kinds
from infra.manifest_fields import near
from shared.events import SEVERITIES

COLLECTION_GROUP = "collection-group"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _index_field(value: Any) -> tuple[str, str]:
    name, _, direction = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if not name.replace("_", "").replace(".", "").isalnum() or direction not in ("", "desc"):
        raise ValueError("takes the name of a field, and 'desc' after it where the newest come first")
    return name, "descending" if direction else "ascending"


def _event(value: Any) -> str:
    if not isinstance(value, str) or not any(fnmatchcase(name, value) for name in SEVERITIES):
        raise ValueError(f"takes an event of shared/events.py, or a pattern that one matches{near(value, SEVERITIES)}")
    return value


Event = Annotated[str, BeforeValidator(_event)]
IndexField = Annotated[tuple[str, str], BeforeValidator(_index_field)]
Role = Annotated[str, kinds.pattern(r"roles/[a-z]+\.[A-Za-z.]+", "a role, for example roles/datastore.user")]
Api = Annotated[str, kinds.pattern(r"[a-z]+\.googleapis\.com", "a service, for example run.googleapis.com")]
Word = Annotated[str, kinds.pattern(r"[A-Za-z_][A-Za-z0-9_.]*", "a name")]
Slug = Annotated[str, kinds.pattern(r"[a-z][a-z0-9-]{0,61}", "a name of a-z, 0-9 and -")]


class Account(_Entry):
    """A service account that is no function's, what it may do in the project, and which secrets it reads."""

    account: kinds.Account
    roles: tuple[Role, ...]
    secrets: tuple[Word, ...] = ()


class Index(_Entry):
    """A composite index: its fields in order, each ``(name, "ascending" | "descending")``."""

    collection: Word
    scope: Literal["collection", "collection-group"] = "collection"
    fields: tuple[IndexField, ...]

    @field_validator("fields")
    @classmethod
    def _several(cls, value: tuple[IndexField, ...]) -> tuple[IndexField, ...]:
        if not 2 <= len(value) <= 100:  # noqa: PLR2004 - one field has an index by itself; Firestore takes a hundred
            raise ValueError("takes from 2 to 100 fields; a field alone has an index by itself")
        return value


class Exemption(_Entry):
    """Fields of a collection without an index by themselves: they grow with time, or are large, and no query asks."""

    collection: Word
    fields: tuple[Word, ...]


class Ttl(_Entry):
    """Documents of a collection are deleted by Firestore itself some time after the moment in this field."""

    collection: Word
    field: Word


class Backup(_Entry):
    """A daily backup, kept so many days."""

    retention_days: Annotated[int, kinds.whole(1, 98)]


Percents = tuple[Annotated[int, kinds.whole(1, 1000)], ...]


class Budget(_Entry):
    """What a month may cost before somebody is written to.

    Attributes:
        amount: of a month, in the billing account's currency.
        spent: percentages of it that were spent.
        expected: percentages of it that the month will come to, as Google expects.
    """

    amount: Annotated[int, kinds.whole(1, 1_000_000)]
    spent: Percents
    expected: Percents = ()


class Firestore(_Entry):
    """The database: its protection, and every index that a query needs."""

    database: Annotated[str, kinds.pattern(r"\(default\)|[a-z][a-z0-9-]{3,62}", "(default), or a database's id")]
    delete_protection: bool
    point_in_time_recovery: bool
    backup: Backup
    indexes: tuple[Index, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    ttl: tuple[Ttl, ...] = ()


_RESOURCE = re.compile(r'(?<![\w.])resource\.type="(\w+)"')


class Metric(_Entry):
    """A counter of log entries: of events, by a field of theirs, or of what a filter finds.

    Attributes:
        events: names of ``shared/events.py``; ``*`` stands for anything.
        label: the field by which the counts are kept apart.
        filter: in Cloud Logging's language, instead of events; it names the kind of resource its entries are of.
    """

    events: tuple[Event, ...] = ()
    label: Word | None = None
    filter: str | None = None
    description: str

    @field_validator("filter")
    @classmethod
    def _one_of_them(cls, value: str | None, info: ValidationInfo) -> str | None:
        if (value is None) == (not info.data.get("events")):
            raise ValueError("takes events or a filter, one of the two")
        if value is not None and len(_RESOURCE.findall(value)) != 1:
            raise ValueError('takes a filter that names one kind of resource: resource.type="cloud_run_revision"')
        return value

    @property
    def resource(self) -> str:
        """The kind of resource that its entries are of: the functions', where it counts events."""
        return str(_RESOURCE.findall(self.filter)[0]) if self.filter else "cloud_run_revision"

    @property
    def names(self) -> tuple[str, ...]:
        """The events counted, the patterns filled in."""
        return tuple(name for name in sorted(SEVERITIES) if any(fnmatchcase(name, pattern) for pattern in self.events))


class AlertPolicy(_Entry):
    """When a person is told.

    Attributes:
        metric: the counter of this manifest it looks at.
        jobs: the counter counts successes of jobs; it is looked at for each job, and must not stand still.
        absent_for: seconds for which the counter must not stand still, once it has counted; 0: it may.
        above: more than so many within ``within`` seconds.
        severity: how it is shown.
        runbook: the page in ``runbooks/`` that says what to do.
        says: one sentence for the person who is told.
    """

    metric: Word
    jobs: bool = False
    absent_for: Annotated[int, kinds.seconds(0, 84_600, whole=True)] = 0
    above: Annotated[float, kinds.number(0, 1_000_000)] = 0.0
    within: Annotated[int, kinds.seconds(60, 86_400, whole=True)] = 300
    severity: Literal["CRITICAL", "ERROR", "WARNING"]
    runbook: Slug
    says: str


def _names_a_metric(policies: dict[str, AlertPolicy], info: ValidationInfo) -> dict[str, AlertPolicy]:
    metrics = info.data.get("metrics", {})
    for name, policy in policies.items():
        if policy.metric not in metrics:
            raise ValueError(f"{name}: takes a metric of this manifest{near(policy.metric, metrics)}")
    return policies


AlertPolicies = Annotated[dict[Slug, AlertPolicy], AfterValidator(_names_a_metric)]
