"""Identity tokens like Google's, signed with a key of our own.

Source: OpenID Connect Core 1.0 section 2, https://cloud.google.com/docs/authentication/token-types#id, and the form of
https://www.googleapis.com/oauth2/v1/certs, which ``google.oauth2.id_token.verify_token(certs_url=…)`` reads.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from google.auth import crypt, jwt

from infra.local.google.clock import Clock

ISSUER = "https://accounts.google.com"
_LIFETIME = timedelta(hours=1)
_REUSED_FOR = timedelta(minutes=30)  # a token handed out is good for at least as long again
_VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_VALID_TO = datetime(2120, 1, 1, tzinfo=UTC)


class TokenIssuer:
    """Signs tokens (RS256) and shows the certificate that proves them. The key is made anew for every issuer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[tuple[str, str], tuple[datetime, str]] = {}

    def token_for(self, *, audience: str, email: str) -> str:
        """A token saying that the bearer is the service account ``email``, for ``audience`` only, good for an hour."""
        now = self._clock.now()
        known = self._issued.get((audience, email))
        if known is not None and timedelta(0) <= now - known[0] < _REUSED_FOR:
            return known[1]
        issued = int(now.timestamp())
        subject = str(int.from_bytes(hashlib.sha256(email.encode()).digest()[:8], "big")).zfill(21)
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "azp": subject,
            "sub": subject,
            "email": email,
            "email_verified": True,
            "iat": issued,
            "exp": issued + int(_LIFETIME.total_seconds()),
        }
        token: str = jwt.encode(self._signer, claims).decode()  # type: ignore[no-untyped-call]  # google-auth's
        self._issued[audience, email] = (now, token)
        return token

    def certificates(self) -> dict[str, str]:
        """The certificates tokens are checked with: PEM by key id."""
        return {self._key_id: self._certificate.decode()}

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def _certificate(self) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bellhop-local")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self._key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(_VALID_FROM).not_valid_after(_VALID_TO)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    @cached_property
    def _key_id(self) -> str:
        return hashlib.sha256(self._certificate).hexdigest()[:40]

    @cached_property
    def _signer(self) -> crypt.RSASigner:
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        signer: crypt.RSASigner = crypt.RSASigner.from_string(pem, self._key_id)  # type: ignore[no-untyped-call]  # its own
        return signer
