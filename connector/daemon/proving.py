"""Our proof of identity: its settings with secrets read, and how long it still holds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog

from connector.daemon.feeds import secret_of
from connector.errors import SetupError
from connector.protocols.dcp.identity import DcpSettings, notary_of
from connector.protocols.dcp.token_desk import TokenClient
from connector.settings.values import Settings
from connector.store.journal import moment
from connector.telemetry import Metrics
from connector.transfer.chain import Seals
from connector.transfer.scribe import State
from connector.transfer.standing import LISTS_PER_TERM

USED_TOKENS_NAME = "used-tokens"
REPORTED_EVERY_SECONDS = 24 * 60 * 60


def dcp_settings(settings: Settings) -> DcpSettings:
    """Return who we are and whom we trust; raises `SetupError` for a secret that is missing."""
    identity, development = settings.identity, settings.development
    return DcpSettings(
        did=settings.did,
        key_file=identity.key_file,
        key_pem=settings.environment.get(identity.key_env or "", ""),
        further_key_files=identity.further_key_files,
        credentials_folder=identity.credentials,
        trusted_issuers=identity.trusted_issuers,
        public_url=settings.public.url,
        allow_http=development.allow_http,
        allow_private_networks=development.allow_private_networks,
        presentation_reuse_seconds=identity.presentation_reuse_seconds,
        holder_pids=frozenset(identity.holder_pids),
        services=identity.services,
        status_list_seconds=settings.limits.standing_seconds / LISTS_PER_TERM,
        token_client=_token_client(settings),
        used_tokens_folder=settings.connector.data / USED_TOKENS_NAME,
    )


def ledger_seals(settings: Settings) -> Seals:
    """Return what tells our signatures under the ledger; raises `SetupError` without keys."""
    return notary_of(dcp_settings(settings))


def expose_expiries(proof: object, metrics: Metrics, now: datetime) -> None:
    """Set how long each type of credential is still proven, where the proof knows of any."""
    metrics.credential_expiry_seconds.clear()
    expiries = getattr(proof, "expiries", None)
    if expiries is None:
        return
    # A folder that cannot be read is told by readiness; here its figures are missing.
    with contextlib.suppress(SetupError):
        for kind, expires in expiries().items():
            metrics.credential_expiry_seconds.labels(kind).set((expires - now).total_seconds())


def expose_ledger(state: State, metrics: Metrics, now: datetime) -> None:
    """Set how long the ledger is, and how old the signature over it."""
    metrics.ledger_rows.set(state.rows)
    metrics.ledger_unsigned_rows.set(state.unsigned_rows)
    age = now - moment(state.signed_at) if state.signed_at else timedelta()
    metrics.ledger_head_age_seconds.set(age.total_seconds())


async def report_credentials(proof: object, every_seconds: float = REPORTED_EVERY_SECONDS) -> None:
    """Log at start, and then daily, which credentials are missing, expired, or soon will be."""
    while True:
        for code, sentence in _wanting(proof):
            structlog.get_logger().warning("credential.reported", code=code, what=sentence)
        await asyncio.sleep(every_seconds)


def _wanting(proof: object) -> Iterator[tuple[str, str]]:
    findings = getattr(proof, "findings", None)
    if findings is None:
        return
    try:
        for finding in findings():
            yield finding.code, finding.text().what
    except SetupError as error:
        yield error.code, error.text().what


def _token_client(settings: Settings) -> TokenClient | None:
    identity = settings.identity
    if identity.sts_client_id is None or identity.sts_secret_file is None:
        return None
    secret = secret_of(identity.sts_secret_file).decode("ascii", "replace")
    return TokenClient(identity.sts_client_id, secret)
