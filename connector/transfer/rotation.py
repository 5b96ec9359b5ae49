"""Rules of refresh tokens: who may use one, when, and what comes of it; no I/O.

Each use rotates: the refresh token that was used is dead, and a new pair is given. If the
answer gets lost, the partner holds nothing but the dead one. So the very same request may be
repeated for a minute and gets the very same answer: the pair is derived from the dead token
and a seed, and nothing is minted a second time.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from connector.errors import PartnerError
from connector.identifiers import Bpnl, Did
from connector.transfer.terms import Agreed

REPEATED_FOR = timedelta(seconds=60)
# An idle partner may come back within a day; after that a new transfer is no burden.
REFRESHED_AFTER_EXPIRY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """An access token and the refresh token that goes with it."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants to refresh, with which tokens, by their SHA-256."""

    did: Did
    refresh_hash: bytes = field(repr=False)
    access_hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshable:
    """A transfer whose token may be refreshed.

    ``expires_at`` is when its newest access token expires. The spent hashes and the seed are
    None before the first rotation.
    """

    pid: str
    partner: Did
    bpnl: Bpnl
    dataset_id: str
    is_open: bool
    agreed: Agreed
    refresh_hash: bytes = field(repr=False)
    access_hash: bytes = field(repr=False)
    spent_hash: bytes | None = field(repr=False)
    spent_access_hash: bytes | None = field(repr=False)
    seed: bytes | None = field(repr=False)
    rotated_at: datetime
    expires_at: datetime


def judged(one: Refreshable, request: Request, now: datetime) -> bool:
    """Return whether a request repeats the last one; raises `PartnerError` if it may not be."""
    if one.partner != request.did:
        raise _refusal("refresh_of_other", request)
    if not one.is_open:
        raise PartnerError("transfer:access_ended", partner=one.bpnl, transfer=one.pid)
    is_repeated = request.refresh_hash != one.refresh_hash
    access_hash = one.spent_access_hash if is_repeated else one.access_hash
    if request.access_hash != access_hash:
        raise _refusal("refresh_with_other_token", request)
    if is_repeated and (one.seed is None or now - one.rotated_at >= REPEATED_FOR):
        raise _refusal("refresh_spent", request)
    if not is_repeated and now - one.expires_at >= REFRESHED_AFTER_EXPIRY:
        raise _refusal("refresh_expired", request)
    return is_repeated


def derived(seed: bytes, spent: str) -> Pair:
    """Return the pair that follows a spent refresh token; the same for the same seed."""
    return Pair(_derived(seed, b"access ", spent), _derived(seed, b"refresh ", spent))


def _derived(seed: bytes, use: bytes, spent: str) -> str:
    digest = hmac.digest(seed, use + spent.encode(), sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _refusal(key: str, request: Request) -> PartnerError:
    return PartnerError(f"transfer:{key}", partner=request.did)
