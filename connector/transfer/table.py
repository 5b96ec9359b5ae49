"""Rows of transfers, of tokens given out and of grants received."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from connector.agreement.table import Layout, ProcessTable, with_states
from connector.identifiers import Did
from connector.store.database import Database, Row
from connector.store.journal import millis, moment
from connector.transfer.model import (
    GRANT_SECONDS,
    AccessGrant,
    DataAddress,
    RefreshTerms,
    TokenAnswer,
    TransferProcess,
)
from connector.transfer.states import TransferState

# A token is renewed so long before its end, or a third of its life before where that is less.
MARGIN_SECONDS = 20.0
MARGIN_SHARE = 1 / 3


def transfers() -> ProcessTable[TransferProcess]:
    """Return the table of transfers."""
    columns = ("agreement", "format", "endpoint", "holder_bound")
    undecided = "coalesce(state, 'REQUESTED') = 'REQUESTED'"
    layout = Layout("transfer", columns, ("COMPLETED", "TERMINATED"), undecided)
    return ProcessTable(layout, _transfer, _own)


def _transfer(fields: dict[str, Any], own: Row) -> TransferProcess:
    typed = with_states(fields, TransferState)
    agreement_id, media, endpoint, holder_bound = own
    return TransferProcess(
        **typed,
        agreement_id=agreement_id,
        format=media,
        endpoint=endpoint,
        holder_bound=bool(holder_bound),
    )


def _own(one: TransferProcess) -> Row:
    return one.agreement_id, one.format, one.endpoint, one.holder_bound


def token_hash(token: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def keep_token(tx: Database, process: TransferProcess, token: str, expires_at: datetime) -> None:
    """Let a token open what a transfer gives access to; those before it open nothing more."""
    tx.execute("DELETE FROM access_token WHERE transfer = ?", (process.pid,))
    tx.execute(
        "INSERT INTO access_token (token_hash, transfer, agreement, dataset, partner_did,"
        " partner_bpnl, expires_at) VALUES (?,?,?,?,?,?,?)",
        (
            *(token_hash(token), process.pid, process.agreement_id, process.dataset_id),
            *(process.partner, process.bpnl, millis(expires_at)),
        ),
    )


def revoke_tokens(tx: Database, transfer_pid: str, now: datetime) -> None:
    """Let the tokens of a transfer open nothing from now on."""
    tx.execute(
        "UPDATE access_token SET revoked_at = ? WHERE transfer = ? AND revoked_at IS NULL",
        (millis(now), transfer_pid),
    )


def restore_tokens(tx: Database, transfer_pid: str) -> None:
    """Let the token of a transfer open again what it opened before."""
    tx.execute("UPDATE access_token SET revoked_at = NULL WHERE transfer = ?", (transfer_pid,))


def keep_standing(tx: Database, transfer_pid: str, credentials: bytes) -> None:
    """Store what the partner's credentials attested, as JSON."""
    tx.execute(
        "INSERT INTO standing (transfer, credentials) VALUES (?,?)"
        " ON CONFLICT (transfer) DO UPDATE SET credentials = excluded.credentials",
        (transfer_pid, credentials),
    )


def standing_of(db: Database, transfer_pid: str) -> bytes | None:
    """Return what the partner's credentials attested; None when that was not kept."""
    row = db.row("SELECT credentials FROM standing WHERE transfer = ?", (transfer_pid,))
    return row[0] if row else None


def drop_standing(tx: Database, transfer_pid: str) -> None:
    """Forget what was attested for a transfer that is over."""
    tx.execute("DELETE FROM standing WHERE transfer = ?", (transfer_pid,))


def open_access(db: Database, now: datetime, after: str, rows_max: int) -> list[Row]:
    """Return a page of the transfers whose token opens something, in the order of their pids.

    Each row: pid, partner, BPNL, dataset, policy of the agreement and when it was signed,
    credentials attested.
    """
    return db.rows(
        "SELECT t.pid, t.partner, t.bpnl, t.dataset, g.policy, g.signed_at,"
        " s.credentials"
        " FROM access_token a JOIN transfer t ON t.pid = a.transfer AND t.role = 'provider'"
        " JOIN agreement g ON g.role = 'provider' AND g.partner = t.partner"
        " AND g.id = t.agreement JOIN standing s ON s.transfer = t.pid"
        " WHERE a.expires_at > ? AND a.revoked_at IS NULL AND t.pid > ?"
        " AND coalesce(t.heading, t.state) = 'STARTED' GROUP BY t.pid ORDER BY t.pid LIMIT ?",
        (millis(now), after, rows_max),
    )


def keep_grant(
    tx: Database, process: TransferProcess, address: DataAddress, now: datetime
) -> None:
    """Store what a partner's start message opens to us."""
    refresh = address.refresh or RefreshTerms("")
    expires_at, renew_at = lifetime(address.expires_seconds or GRANT_SECONDS, now)
    tx.execute(
        "INSERT INTO access_grant (transfer, partner, dataset, endpoint, token, agreement,"
        " expires_at, renew_at, refresh_token, refresh_endpoint, refresh_audience)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (transfer) DO UPDATE SET"
        " endpoint = excluded.endpoint, token = excluded.token, expires_at = excluded.expires_at,"
        " renew_at = excluded.renew_at, refresh_token = excluded.refresh_token,"
        " refresh_endpoint = excluded.refresh_endpoint,"
        " refresh_audience = excluded.refresh_audience",
        (
            *(process.pid, process.partner, process.dataset_id, address.endpoint, address.token),
            *(process.agreement_id, millis(expires_at), millis(renew_at)),
            *(refresh.token, refresh.endpoint, refresh.audience),
        ),
    )


def renew_grant(tx: Database, old: AccessGrant, answer: TokenAnswer, now: datetime) -> None:
    """Replace the tokens of a grant, unless it has other ones by now or is over."""
    expires_at, renew_at = lifetime(answer.expires_seconds, now)
    tx.execute(
        "UPDATE access_grant SET token = ?, refresh_token = ?, expires_at = ?, renew_at = ?"
        " WHERE transfer = ? AND token = ?",
        (
            *(answer.token, answer.refresh_token, millis(expires_at), millis(renew_at)),
            *(old.transfer_pid, old.token),
        ),
    )


def lifetime(seconds: int | None, now: datetime) -> tuple[datetime, datetime]:
    """Return when a token expires, and from when on a newer one should be had."""
    lasting = GRANT_SECONDS if seconds is None else seconds
    margin = min(MARGIN_SECONDS, lasting * MARGIN_SHARE)
    expires_at = now + timedelta(seconds=lasting)
    return expires_at, expires_at - timedelta(seconds=margin)


def forgo_refresh(tx: Database, grant: AccessGrant) -> None:
    """Use a refresh token no more that its provider refuses."""
    tx.execute(
        "UPDATE access_grant SET refresh_token = '' WHERE transfer = ? AND token = ?",
        (grant.transfer_pid, grant.token),
    )


def expire_grant(tx: Database, grant: AccessGrant, now: datetime) -> None:
    """Use a token no more that its provider does not honour, though its time is not over."""
    tx.execute(
        "UPDATE access_grant SET expires_at = min(expires_at, ?), renew_at = 0"
        " WHERE transfer = ? AND token = ?",
        (millis(now), grant.transfer_pid, grant.token),
    )


def drop_grant(tx: Database, transfer_pid: str) -> None:
    """Forget the token of a transfer that is over."""
    tx.execute("DELETE FROM access_grant WHERE transfer = ?", (transfer_pid,))


_GRANT = (
    "SELECT g.partner, g.dataset, g.endpoint, g.token, g.expires_at, g.transfer, g.agreement,"
    " g.renew_at, g.refresh_token, g.refresh_endpoint, g.refresh_audience"
    " FROM access_grant g JOIN transfer t ON t.pid = g.transfer AND t.state = 'STARTED'"
    " AND t.heading IS NULL"
)


def newest_grant(
    db: Database, partner: Did, dataset_id: str, *, url: str = ""
) -> AccessGrant | None:
    """Return the grant for a partner's dataset that lasts longest, expired or not.

    ``url`` asks for one of that connector of the partner.
    """
    about = "WHERE g.partner = ? AND g.dataset = ? AND ? IN ('', t.url)"
    newest = f"{_GRANT} {about} ORDER BY g.expires_at DESC LIMIT 1"
    return _grant(db.row(newest, (partner, dataset_id, url)))


def grant_of(db: Database, transfer_pid: str) -> AccessGrant | None:
    """Return the grant of a transfer that is started."""
    return _grant(db.row(f"{_GRANT} WHERE g.transfer = ?", (transfer_pid,)))


def usable_grant(
    db: Database, partner: Did, dataset_id: str, at: datetime, *, url: str = ""
) -> AccessGrant | None:
    """Return the grant for a partner's dataset that lasts longest, if it is good at a time."""
    grant = newest_grant(db, partner, dataset_id, url=url)
    return grant if grant is not None and at < grant.expires_at else None


def _grant(row: Row | None) -> AccessGrant | None:
    if row is None:
        return None
    partner, dataset, endpoint, token, expires_at, transfer, agreement, renew_at, *refresh = row
    return AccessGrant(
        partner=Did(partner),
        dataset_id=dataset,
        endpoint=endpoint,
        token=token,
        expires_at=moment(expires_at),
        transfer_pid=transfer,
        agreement_id=agreement,
        renew_at=moment(renew_at),
        refresh=RefreshTerms(*refresh) if refresh[0] else None,
    )


def expired_grants(
    db: Database, partner: Did, dataset_id: str, now: datetime, *, url: str = ""
) -> list[str]:
    """Return the pids of running transfers whose token has expired, of one connector if told."""
    found = db.rows(
        "SELECT g.transfer FROM access_grant g JOIN transfer t ON t.pid = g.transfer"
        " WHERE g.partner = ? AND g.dataset = ? AND g.expires_at <= ? AND t.state = 'STARTED'"
        " AND t.heading IS NULL AND ? IN ('', t.url)",
        (partner, dataset_id, millis(now), url),
    )
    return [str(row[0]) for row in found]


def sought_dataset(db: Database, partner: Did, selector: str) -> str:
    """Return the dataset that answered to a description before, or an empty text."""
    row = db.row(
        "SELECT dataset FROM sought WHERE partner = ? AND selector = ?", (partner, selector)
    )
    return str(row[0]) if row else ""


def note_sought(tx: Database, partner: Did, selector: str, dataset_id: str) -> None:
    """Remember which dataset answers to a description."""
    tx.execute(
        "INSERT INTO sought (partner, selector, dataset) VALUES (?,?,?)"
        " ON CONFLICT (partner, selector) DO UPDATE SET dataset = excluded.dataset",
        (partner, selector, dataset_id),
    )


def forget_sought(tx: Database, partner: Did, dataset_id: str) -> None:
    """Forget that a dataset answered to anything, so that the catalog is asked again."""
    tx.execute("DELETE FROM sought WHERE partner = ? AND dataset = ?", (partner, dataset_id))
