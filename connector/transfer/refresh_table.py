"""Rows of refresh tokens that we gave out: hashes alone."""

from __future__ import annotations

from datetime import datetime

from connector.identifiers import Bpnl, Did
from connector.store.database import Database
from connector.store.journal import millis, moment
from connector.transfer.rotation import Pair, Refreshable
from connector.transfer.states import TransferState
from connector.transfer.table import token_hash
from connector.transfer.terms import Agreed

_FIND = (
    "SELECT r.transfer, t.partner, t.bpnl, t.dataset,"
    " g.retired_at IS NULL AND coalesce(t.heading, t.state) = ?, g.policy, g.signed_at,"
    " r.refresh_hash, r.access_hash, r.spent_hash, r.spent_access_hash, r.seed, r.rotated_at,"
    " a.expires_at"
    " FROM refresh_token r JOIN transfer t ON t.pid = r.transfer AND t.role = 'provider'"
    " JOIN agreement g ON g.role = 'provider' AND g.partner = t.partner AND g.id = t.agreement"
    " JOIN access_token a ON a.token_hash = r.access_hash"
    " WHERE r.refresh_hash = ? OR r.spent_hash = ?"
)


def keep_refresh(tx: Database, transfer_pid: str, pair: Pair, now: datetime) -> None:
    """Let a refresh token renew the access token of a transfer; the one before is dead."""
    tx.execute(
        "INSERT OR REPLACE INTO refresh_token (transfer, refresh_hash, access_hash, rotated_at)"
        " VALUES (?,?,?,?)",
        (transfer_pid, token_hash(pair.refresh), token_hash(pair.access), millis(now)),
    )


def drop_refresh(tx: Database, transfer_pid: str) -> None:
    """Let nothing renew the token of a transfer that is over."""
    tx.execute("DELETE FROM refresh_token WHERE transfer = ?", (transfer_pid,))


def refreshable(db: Database, refresh_hash: bytes) -> Refreshable | None:
    """Return the transfer whose refresh token this is, or was before the last rotation."""
    row = db.row(_FIND, (TransferState.STARTED, refresh_hash, refresh_hash))
    if row is None:
        return None
    pid, partner, bpnl, dataset, is_open, policy, signed_at, *hashes, rotated_at, expires_at = row
    return Refreshable(
        pid=pid,
        partner=Did(partner),
        bpnl=Bpnl(bpnl),
        dataset_id=dataset,
        is_open=bool(is_open),
        agreed=Agreed(policy, moment(signed_at)),
        refresh_hash=hashes[0],
        access_hash=hashes[1],
        spent_hash=hashes[2],
        spent_access_hash=hashes[3],
        seed=hashes[4],
        rotated_at=moment(rotated_at),
        expires_at=moment(expires_at),
    )


def rotate(tx: Database, one: Refreshable, pair: Pair, seed: bytes, now: datetime) -> None:
    """Let the new refresh token renew from now on; remember what the old pair led to."""
    tx.execute(
        "UPDATE refresh_token SET refresh_hash = ?, access_hash = ?, spent_hash = ?,"
        " spent_access_hash = ?, seed = ?, rotated_at = ? WHERE transfer = ?",
        (
            *(token_hash(pair.refresh), token_hash(pair.access)),
            *(one.refresh_hash, one.access_hash, seed, millis(now), one.pid),
        ),
    )


def succeed_token(
    tx: Database, one: Refreshable, token: str, expires_at: datetime, now: datetime
) -> None:
    """Let a further token open what the old one opens, which goes on until it expires.

    Reads that are on their way with it are not cut off. Tokens older than that are dead.
    """
    tx.execute(
        "DELETE FROM access_token WHERE transfer = ? AND (token_hash <> ? OR expires_at <= ?)",
        (one.pid, one.access_hash, millis(now)),
    )
    tx.execute(
        "INSERT INTO access_token (token_hash, transfer, agreement, dataset, partner_did,"
        " partner_bpnl, expires_at) SELECT ?, pid, agreement, dataset, partner, bpnl, ?"
        " FROM transfer WHERE pid = ?",
        (token_hash(token), millis(expires_at), one.pid),
    )
