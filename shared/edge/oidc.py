"""Only the platform's service accounts get in: the OIDC token of Cloud Tasks and Cloud Scheduler is checked.

Imported by task functions only: google.auth and requests cost a cold start 0.3 s, which chat must not pay.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from google.auth import crypt, jwt

from shared.edge.certificates import Certificates
from shared.edge.refusals import forbidden, unauthorized, unavailable
from shared.errors import ConfigError, RequestError

GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
CLOCK_SKEW_SECONDS = 10
TOKENS_REMEMBERED = 64
"""Google's tokens are used again for as long as they live; checking a signature costs more than a commit."""

_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)", re.IGNORECASE)
_MAX_TOKEN = 8192
_REMOVED = ".SIGNATURE_REMOVED_BY_GOOGLE"


@dataclass(frozen=True)
class OidcGuard:
    """Lets in who shows a token that Google signed for this audience and this service account. Thread safe; keep one.

    Args:
        audience: the ``aud`` that tasks and jobs are created with, the function's URL.
        email: the one service account that may call.
        certs_url: where the signing certificates are, HTTPS; plain HTTP on loopback only (the local system).

    Raises:
        ConfigError: an empty audience or e-mail, or certificates over a connection that anybody could answer.
    """

    audience: str
    email: str
    certs_url: str = GOOGLE_CERTS_URL
    certificates: Certificates = field(init=False, repr=False, compare=False)
    _known: OrderedDict[bytes, Mapping[str, Any]] = field(init=False, repr=False, compare=False)
    _lock: threading.Lock = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.audience or not self.email:
            raise ConfigError("OIDC: audience and service account e-mail must not be empty")
        parts = urlsplit(self.certs_url)
        if parts.scheme != "https" and (parts.scheme, parts.hostname) not in {
            ("http", "127.0.0.1"),
            ("http", "localhost"),
            ("http", "::1"),
        }:
            raise ConfigError("OIDC: the certificates' URL must be https://, or http:// on loopback")
        object.__setattr__(self, "certificates", Certificates(self.certs_url))
        object.__setattr__(self, "_known", OrderedDict())
        object.__setattr__(self, "_lock", threading.Lock())

    def check(self, authorization: str | None) -> None:
        """Return if the Authorization header ``authorization`` proves the caller; no other header proves anything.

        Raises:
            RequestError: 401 no token, or one that is malformed, forged, expired (10 s of skew are allowed), not RS256,
                or for another audience or issuer; 403 a good token of somebody else; 503 the certificates cannot be
                had, so nothing is known. Sources: RFC 6750, RFC 7519, cloud.google.com/run/docs/authenticating.
        """
        claims = self._claims(_bearer_token(authorization))
        if claims.get("iss") not in ISSUERS:
            raise unauthorized("The token was issued by somebody else; one issued by Google is accepted.")
        if claims.get("email") != self.email or claims.get("email_verified") is not True:
            raise forbidden("The token is another account's; only the platform's own service account may call.")

    def _claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that is good, or was found good before and has not expired since."""
        digest = hashlib.sha256(token.encode()).digest()
        with self._lock:
            known = self._known.get(digest)
        if known is not None and time.time() <= known["exp"] + CLOCK_SKEW_SECONDS:
            return known
        claims = self._verified_claims(token)
        with self._lock:
            self._known[digest] = claims
            while len(self._known) > TOKENS_REMEMBERED:
                self._known.popitem(last=False)
        return claims

    def _verified_claims(self, token: str) -> Mapping[str, Any]:
        """The claims of ``token``, its signature, times and audience checked."""
        key_id = _key_id(token)
        pem = self.certificates.find(key_id)
        if pem is None:
            raise unauthorized("The token's key is not one of Google's.")
        try:
            crypt.RSAVerifier.from_string(pem)  # type: ignore[no-untyped-call]
        except ValueError as error:
            raise unavailable("The token's certificate cannot be read.", retry_after=10) from error
        try:
            claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                token, certs={key_id: pem}, audience=self.audience, clock_skew_in_seconds=CLOCK_SKEW_SECONDS
            )
        except Exception as error:  # whatever is wrong with it, it does not pass
            raise _bad_token() from error
        return claims


def _bearer_token(authorization: str | None) -> str:
    """The JWT in an Authorization header (RFC 6750, 2.1)."""
    if not authorization:
        raise unauthorized("A bearer token is missing; an OIDC token in Authorization is accepted.", presented=False)
    match = _BEARER.fullmatch(authorization) if len(authorization) <= _MAX_TOKEN else None
    if match is None:
        raise unauthorized("Authorization must be: Bearer, a space, an OIDC token.")
    if authorization.endswith(_REMOVED):
        raise unauthorized("The platform removed the token's signature, so that it cannot be checked here.")
    return match[1]


def _key_id(token: str) -> str:
    """The id of the key that signed ``token``, which says that it used RS256 and nothing else."""
    try:
        header: Mapping[str, Any] = jwt.decode_header(token)  # type: ignore[no-untyped-call]
    except Exception as error:
        raise _bad_token() from error
    key_id = header.get("kid")
    if header.get("alg") != "RS256" or not isinstance(key_id, str) or not key_id:
        raise _bad_token()
    return key_id


def _bad_token() -> RequestError:
    """401, one sentence for all: a forger learns nothing."""
    return unauthorized("The token is malformed, expired, for another audience or not signed by Google.")
