"""Lets a partner in: from the token of an access grant to what its holder may see, at each read.

A token is looked up by its SHA-256, so that the store holds none. It opens as long as the
transfer that it was given under is started, and only what rules in force still offer; whom
it belongs to is read from the store, never from a header. Where the partner proves that it
holds its tokens, a token opens nothing without that proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from connector.errors import PartnerError
from connector.identifiers import Bpnl, Did
from connector.offer.datasets import Shelf
from connector.offer.model import Dataset, DatasetKind
from connector.offer.sights import Sights
from connector.offer.visibility import Sight
from connector.partner.model import PROOF_HEADER, HolderProofs, UnprovenHolderError
from connector.store.database import Database
from connector.store.journal import millis
from connector.transfer.states import TransferState

TOKEN_MISSING = "transfer:token_missing"  # noqa: S105 - the code of a text
TOKEN_CHARACTERS_MAX = 4096

# A start that we still owe the partner has reached it already when its token arrives.
_ACCESS = (
    "SELECT a.partner_did, a.partner_bpnl, a.dataset, a.agreement, a.transfer, t.holder_bound,"
    " a.expires_at,"
    " a.revoked_at IS NULL AND g.retired_at IS NULL AND coalesce(t.heading, t.state) = ?"
    " FROM access_token a JOIN transfer t ON t.pid = a.transfer AND t.role = 'provider'"
    " JOIN agreement g ON g.role = 'provider' AND g.partner = a.partner_did AND g.id = a.agreement"
    " WHERE a.token_hash = ?"
)


@dataclass(frozen=True, slots=True)
class Access:
    """Whose token it is, and what it was given for.

    ``token_digest`` is its SHA-256; if it is ``holder_bound``, only the partner itself may
    use it.
    """

    partner_did: Did
    partner_bpnl: Bpnl
    dataset_id: str
    agreement_id: str
    transfer_pid: str
    holder_bound: bool
    token_digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A partner who was let in to one dataset, and what it may see of it."""

    access: Access
    dataset: Dataset
    sight: Sight


def check_access(db: Database, token: str, now: datetime) -> Access:
    """Return whose token it is; whether its holder sent it is not asked here.

    Raises `PartnerError` when we never gave it out, it has expired, or access has ended.
    """
    digest = sha256(token.encode()).digest()
    row = db.row(_ACCESS, (TransferState.STARTED, digest))
    if row is None:
        raise PartnerError("transfer:token_unknown")
    did, bpnl, dataset, agreement, transfer, holder_bound, expires_at, is_open = row
    if expires_at <= millis(now):
        raise PartnerError("transfer:token_expired", partner=bpnl)
    if not is_open:
        raise PartnerError("transfer:access_ended", partner=bpnl, transfer=transfer)
    bound = bool(holder_bound)
    return Access(Did(did), Bpnl(bpnl), dataset, agreement, transfer, bound, digest)


class Gate:
    """Admits the holders of tokens; asked once per request."""

    def __init__(
        self,
        db: Database,
        shelf: Shelf,
        sights: Sights,
        clock: Callable[[], datetime],
        proofs: HolderProofs | None = None,
    ) -> None:
        """Take what decides; without ``proofs``, a token that needs one opens nothing."""
        self._db = db
        self._shelf = shelf
        self._sights = sights
        self._clock = clock
        self._proofs = proofs

    async def admit(self, headers: Mapping[str, str], kind: DatasetKind) -> Visitor:
        """Return the visitor behind the ``Authorization`` of a request.

        The token comes with or without ``Bearer``; ``headers`` finds names in any case.
        Raises `PartnerError` when there is no valid token, when it is for another kind of
        dataset, or when no rule offers the dataset to this partner any more, and
        `UnprovenHolderError` when the token is somebody else's.
        """
        now = self._clock()
        access = check_access(self._db, _token(headers.get("authorization")), now)
        if access.holder_bound:
            await self._prove(access, headers.get(PROOF_HEADER))
        dataset = self._shelf.granted(access.dataset_id, access.partner_bpnl, now)
        if dataset is None:
            raise PartnerError("transfer:offer_withdrawn", partner=access.partner_bpnl)
        if dataset.kind is not kind:
            raise PartnerError("transfer:wrong_dataset", partner=access.partner_bpnl)
        return Visitor(access, dataset, self._sights.of(access.partner_bpnl, now))

    async def _prove(self, access: Access, proof: str | None) -> None:
        if not proof:
            raise UnprovenHolderError("transfer:proof_missing", partner=access.partner_bpnl)
        if self._proofs is None:
            raise UnprovenHolderError("transfer:proof_unreadable", partner=access.partner_bpnl)
        await self._proofs.check(proof, access.token_digest, access.partner_did)


def _token(authorization: str | None) -> str:
    scheme, _, rest = (authorization or "").strip().partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else scheme
    if not token or len(token) > TOKEN_CHARACTERS_MAX:
        raise PartnerError(TOKEN_MISSING)
    return token
