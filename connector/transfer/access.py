"""Whose access token it is: looked up in the store by its SHA-256, which holds none itself.

A token opens as long as the transfer that it was given under is started; whom it belongs to
is read from the store, never from a header.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from connector.errors import PartnerError
from connector.identifiers import Bpnl, Did
from connector.store.database import Database
from connector.store.journal import millis, moment
from connector.transfer.states import TransferState
from connector.transfer.terms import Agreed

TOKEN_MISSING = "transfer:token_missing"  # noqa: S105 - the code of a text
TOKEN_CHARACTERS_MAX = 4096

# A start that we still owe the partner has reached it already when its token arrives.
_ACCESS = (
    "SELECT a.partner_did, a.partner_bpnl, a.dataset, a.agreement, a.transfer, t.holder_bound,"
    " a.expires_at, g.policy, g.signed_at,"
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
    expires_at: datetime
    agreed: Agreed


def check_access(db: Database, token: str, now: datetime) -> Access:
    """Return whose token it is; whether its holder sent it is not asked here.

    Raises `PartnerError` when we never gave it out, it has expired, or access has ended.
    """
    digest = sha256(token.encode()).digest()
    row = db.row(_ACCESS, (TransferState.STARTED, digest))
    if row is None:
        raise PartnerError("transfer:token_unknown")
    *grant, policy, signed_at, is_open = row
    did, bpnl, dataset, agreement, transfer, holder_bound, expires_at = grant
    if expires_at <= millis(now):
        raise PartnerError("transfer:token_expired", partner=bpnl)
    if not is_open:
        raise PartnerError("transfer:access_ended", partner=bpnl, transfer=transfer)
    until, whose = moment(expires_at), (Did(did), Bpnl(bpnl))
    agreed, bound = Agreed(policy, moment(signed_at)), bool(holder_bound)
    return Access(*whose, dataset, agreement, transfer, bound, digest, until, agreed)


def token_of(authorization: str | None) -> str:
    """Return the token of a request; it comes with or without ``Bearer``.

    Raises `PartnerError` when there is none.
    """
    scheme, _, rest = (authorization or "").strip().partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else scheme
    if not token or len(token) > TOKEN_CHARACTERS_MAX:
        raise PartnerError(TOKEN_MISSING)
    return token
