"""Where requests are counted, and by which limits."""
# ruff: noqa: PLC0415 - a function loads only what it uses

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import events

if TYPE_CHECKING:
    from shared.adapters.firestore import Database
    from shared.adapters.redis_limits import LimitsInRedis
    from shared.config import Settings
    from shared.domain.admission import Limit
    from shared.flows.rate_guard import RateGuard
    from shared.ports import ChatStore, RateWindows


def chat_limits(settings: Settings) -> tuple[Limit, ...]:
    """The chat's limits, the first one named ``chat``, further ones after their windows."""
    from shared.domain.admission import named

    return named("chat", settings.chat_rate_limit.pairs)


def chat_store(settings: Settings, database: Database) -> ChatStore:
    """Conversations, claims and windows; the windows are in Redis where that is configured."""
    from shared.adapters.firestore_chat import FirestoreChat

    store = FirestoreChat(database)
    if settings.rate_limit_storage_uri is None:
        return store
    from shared.adapters.redis_limits import ChatWithLimitsInRedis

    return ChatWithLimitsInRedis(store, _in_redis(settings.rate_limit_storage_uri, database))


def rate_guard(settings: Settings, endpoint: str, database: Database) -> RateGuard:
    """The limits of a public endpoint other than chat; each endpoint is counted by itself."""
    from shared.adapters.system import SystemClock
    from shared.domain.admission import Memory, named
    from shared.flows.rate_guard import RateGuard

    limits = named(endpoint, (*settings.api_rate_limit_hour.pairs, *settings.api_rate_limit_minute.pairs))
    return RateGuard(_windows(settings, database), limits, Memory(), SystemClock(), events.log)


def _windows(settings: Settings, database: Database) -> RateWindows:
    from shared.adapters.firestore_windows import FirestoreWindows

    uri = settings.rate_limit_storage_uri
    return FirestoreWindows(database) if uri is None else _in_redis(uri, database)


def _in_redis(uri: str, database: Database) -> LimitsInRedis:
    from shared.adapters.firestore_windows import FirestoreWindows
    from shared.adapters.redis_limits import LimitsInRedis
    from shared.adapters.system import SystemClock

    return LimitsInRedis(uri, FirestoreWindows(database), SystemClock().monotonic, events.log)
