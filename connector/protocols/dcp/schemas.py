"""Holds credentials against the JSON schemas that they name, fetched from their issuers alone.

Sources: VC Data Model 1.1, 5.4 (``credentialSchema``); JsonSchemaValidator2018 speaks of the
subject, JsonSchema (Verifiable Credentials JSON Schema Specification) of the whole credential.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import jsonschema_rs
import orjson

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dcp.credentials import IssuedCredential, written_credential
from connector.protocols.dcp.once import OnceEach
from connector.protocols.dcp.resolver import DidResolver
from connector.protocols.http import GuardedClient

SCHEMAS_MAX = 200
SCHEMA_BYTES_MAX = 256 * 1024
ENTRIES_MAX = 5
KEPT = timedelta(hours=1)

OF_SUBJECT = "JsonSchemaValidator2018"
OF_CREDENTIAL = "JsonSchema"


@dataclass(frozen=True, slots=True)
class _Kept:
    validator: jsonschema_rs.Validator
    fetched_at: datetime


class CredentialSchemas:
    """Schemas of trusted issuers; each has to lie on a host of its issuer's DID document."""

    def __init__(
        self, resolver: DidResolver, client: GuardedClient, clock: Callable[[], datetime]
    ) -> None:
        self._resolver = resolver
        self._client = client
        self._clock = clock
        self._schemas: OnceEach[tuple[Did, str], _Kept] = OnceEach(SCHEMAS_MAX)

    async def check(self, credential: IssuedCredential, *, who: str) -> None:
        """Raise `PartnerError` if a credential violates a schema of its own, or nobody can tell.

        The issuer is trusted already. Raises `TransientError` when the schema cannot be had
        at this moment.
        """
        if len(credential.schemas) > ENTRIES_MAX:
            raise _refusal("schema_unknown", who, type=f"{len(credential.schemas)} entries")
        for entry in credential.schemas:
            url = _url(entry, who)
            validator = await self._validator(credential.issuer, url)
            for value in _values(credential, entry):
                if not validator.is_valid(value):
                    reason = next(error.message for error in validator.iter_errors(value))
                    raise _refusal("schema_violated", who, url=url, reason=reason[:300])

    async def _validator(self, issuer: Did, url: str) -> jsonschema_rs.Validator:
        kept = self._schemas.kept((issuer, url))
        if kept is None or self._clock() - kept.fetched_at >= KEPT:
            kept = await self._schemas.made((issuer, url), lambda: self._fetch(issuer, url))
        return kept.validator

    async def _fetch(self, issuer: Did, url: str) -> _Kept:
        hosts = (await self._resolver.document(issuer)).hosts()
        answer = await self._client.reaching(hosts).get(url, limit_bytes=SCHEMA_BYTES_MAX)
        return _Kept(_compiled(answer.body, issuer, url), self._clock())


def _compiled(raw: bytes, issuer: Did, url: str) -> jsonschema_rs.Validator:
    # What it refers to elsewhere is not fetched, and its patterns run in linear time.
    try:
        return jsonschema_rs.validator_for(
            orjson.loads(raw), offline=True, pattern_options=jsonschema_rs.RegexOptions()
        )
    except (ValueError, TypeError, jsonschema_rs.ReferencingError) as trouble:
        reason = str(trouble)[:300]
        raise _refusal("schema_malformed", issuer, url=url, reason=reason) from trouble


def _url(entry: Mapping[str, object], who: str) -> str:
    kind, url = entry.get("type"), entry.get("id")
    if kind not in {OF_SUBJECT, OF_CREDENTIAL} or not isinstance(url, str):
        raise _refusal("schema_unknown", who, type=kind)
    return url


def _values(
    credential: IssuedCredential, entry: Mapping[str, object]
) -> Sequence[Mapping[str, object]]:
    if entry.get("type") == OF_SUBJECT:
        return credential.subjects
    return (written_credential(credential),)


def _refusal(key: str, who: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=who, **params)
