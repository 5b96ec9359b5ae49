"""Asks whether a credential was withdrawn: fetches status lists, from their issuers alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dcp.credentials import IssuedCredential, check_issued, read_credential
from connector.protocols.dcp.did import Purpose
from connector.protocols.dcp.once import OnceEach
from connector.protocols.dcp.resolver import DidResolver
from connector.protocols.dcp.status import (
    LIST_BYTES_MAX,
    StatusEntry,
    is_withdrawn,
    read_list,
    status_entries,
)
from connector.protocols.dcp.tokens import check_kid, check_signature
from connector.protocols.http import GuardedClient

LISTS_MAX = 200


@dataclass(frozen=True, slots=True)
class _List:
    bits: bytes
    fetched_at: datetime


class StatusLists:
    """Lists of trusted issuers, each kept for ``kept`` and fetched once for many askers.

    A list has to lie on a host of its issuer's DID document and be signed by the issuer.
    """

    def __init__(
        self,
        resolver: DidResolver,
        client: GuardedClient,
        clock: Callable[[], datetime],
        kept: timedelta,
    ) -> None:
        self._resolver = resolver
        self._client = client
        self._clock = clock
        self._kept = kept
        self._lists: OnceEach[tuple[Did, StatusEntry], _List] = OnceEach(LISTS_MAX)

    async def check(self, credential: IssuedCredential, *, who: str) -> None:
        """Raise `PartnerError` if a credential is withdrawn, or nobody can tell.

        The issuer is trusted already. Raises `TransientError` when its list cannot be had at
        this moment.
        """
        entry = await self.withdrawal(credential.issuer, credential.statuses, who=who)
        if entry is not None:
            raise withdrawn(entry, ", ".join(credential.types), who=who)

    async def withdrawal(
        self, issuer: Did, statuses: Sequence[Mapping[str, object]], *, who: str
    ) -> StatusEntry | None:
        """Return the entry under which a credential with these statuses is withdrawn, if any.

        Raises as `check`, but not when it is withdrawn.
        """
        for entry in status_entries(statuses, who=who):
            if is_withdrawn(await self._bits(issuer, entry), entry, who=who):
                return entry
        return None

    async def _bits(self, issuer: Did, entry: StatusEntry) -> bytes:
        # One list serves all who are in it: the place in it is no part of its name.
        place = StatusEntry(entry.url, 0, entry.purpose, entry.list_type)
        kept = self._lists.kept((issuer, place))
        if kept is None or self._clock() - kept.fetched_at >= self._kept:
            kept = await self._lists.made((issuer, place), lambda: self._fetch(issuer, place))
        return kept.bits

    async def _fetch(self, issuer: Did, place: StatusEntry) -> _List:
        hosts = (await self._resolver.document(issuer)).hosts()
        answer = await self._client.reaching(hosts).get(
            place.url, headers={"Accept": "application/vc+jwt"}, limit_bytes=LIST_BYTES_MAX
        )
        text = answer.body.decode("ascii", "replace").strip()
        credential = read_credential(text, who=issuer, limit_bytes=LIST_BYTES_MAX)
        now = self._clock()
        check_issued(credential, by=issuer, now=now)
        kid = check_kid(credential.jwt.header.kid, issuer)
        key = await self._resolver.key(issuer, kid, Purpose.ASSERTION)
        check_signature(credential.jwt, key, who=issuer)
        return _List(read_list(credential, place, who=issuer), now)


def withdrawn(entry: StatusEntry, kind: str, *, who: str) -> PartnerError:
    """Return the error that says that a credential of this kind was withdrawn."""
    return PartnerError(
        "connector.protocols.dcp:credential_withdrawn", who=who, type=kind, purpose=entry.purpose
    )
