"""Signed links with itsdangerous: a JSON list, a time and a signature, each in URL-safe Base64.

The signature is HMAC with SHA-384: 48 bytes are 64 characters without a spare bit, so that every other token than the
one that was given out is refused, also one that would decode to the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from shared.domain.rights import LANGUAGES, MARKETING, TOKEN_LIFE, Claims
from shared.errors import TokenExpired, TokenRefused

SALT = "bellhop.link"
LONGEST = 512
_TOKEN = re.compile(r"\.?[A-Za-z0-9_-]{1,300}\.[A-Za-z0-9_-]{1,12}\.[A-Za-z0-9_-]{64}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{32}")


class SignedTokens:
    """``shared.ports.rights.Tokens``; the first key signs, all of them are accepted, so that keys can be rotated."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = list(reversed(keys))  # itsdangerous signs with the last one

    def make(self, claims: Claims, now: datetime) -> str:
        """See ``shared.ports.rights.Tokens``."""
        said = [claims.scope, claims.address, claims.conversation_id, claims.language]
        token: str = self._serializer(now).dumps(said)
        return token

    def read(self, token: str, now: datetime) -> Claims:
        """See ``shared.ports.rights.Tokens``; one from the future was not given out by us."""
        if len(token) > LONGEST or not _TOKEN.fullmatch(token):
            raise TokenRefused
        try:
            said = self._serializer(now).loads(token, max_age=int(TOKEN_LIFE.total_seconds()))
        except SignatureExpired as error:
            at = error.date_signed
            raise TokenExpired if at is not None and at <= now else TokenRefused from None
        except BadData:
            raise TokenRefused from None
        return _claims(said)

    def _serializer(self, now: datetime) -> URLSafeTimedSerializer:
        return serializer(self._keys, SALT, now)


def serializer(keys: list[str], salt: str, now: datetime) -> URLSafeTimedSerializer:
    """What signs and reads tokens as of a time; ``keys`` as itsdangerous has them, ``salt`` says what they are for."""

    class AtThatTime(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(now.timestamp())

        def timestamp_to_datetime(self, ts: int) -> datetime:
            return datetime.fromtimestamp(ts, UTC)

    how = {"key_derivation": "hmac", "digest_method": hashlib.sha384}
    return URLSafeTimedSerializer(keys, salt, serializer=_PlainJson, signer=AtThatTime, signer_kwargs=how)


class _PlainJson:
    """JSON that stays as short as it is."""

    @staticmethod
    def dumps(said: Any) -> str:
        return json.dumps(said, separators=(",", ":"))

    @staticmethod
    def loads(text: str | bytes) -> Any:
        return json.loads(text)


def _claims(said: Any) -> Claims:
    """What is signed is ours, but perhaps of another version."""
    if not isinstance(said, list) or len(said) != 4 or not all(isinstance(each, str) for each in said):  # noqa: PLR2004
        raise TokenRefused
    scope, address, conversation_id, language = said
    if scope != MARKETING or not _HASH.fullmatch(address) or not _HASH.fullmatch(conversation_id):
        raise TokenRefused
    return Claims(scope, address, conversation_id, language if language in LANGUAGES else LANGUAGES[0])
