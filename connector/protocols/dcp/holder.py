"""Binds access tokens to their holders: proves that we hold ours, checks that partners do.

Both sides use one proof for many reads, so a read costs a comparison and no signature.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.partner.model import UnprovenHolderError
from connector.protocols.dcp.did import Purpose
from connector.protocols.dcp.jwt import LEEWAY_SECONDS
from connector.protocols.dcp.possession import Bond, read_proof
from connector.protocols.dcp.resolver import DidResolver
from connector.protocols.dcp.self_issuer import SelfIssuer
from connector.protocols.dcp.tokens import check_kid, check_signature

TOKENS_MAX = 10_000
# The rest of a proof's life is for the request that carries it.
PROOF_REUSED_SECONDS = 40

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Checked:
    """The newest proof of one token that held, and until when it does (seconds since 1970)."""

    proof: str
    holder: Did
    until: float


class HolderBinding:
    """Implements `connector.partner.model.HolderProofs`; for one event loop."""

    def __init__(
        self, us: Did, resolver: DidResolver, issuer: SelfIssuer, clock: Callable[[], datetime]
    ) -> None:
        self._us = us
        self._resolver = resolver
        self._issuer = issuer
        self._clock = clock
        self._checked: OrderedDict[bytes, _Checked] = OrderedDict()
        self._made: OrderedDict[tuple[Did, str], tuple[str, float]] = OrderedDict()

    async def check(self, proof: str, token_digest: bytes, holder: Did) -> None:
        """Return when ``proof`` shows that ``holder`` uses the token, for us, now.

        Raises `UnprovenHolderError` saying why not, and `TransientError` when the holder's
        DID document cannot be had.
        """
        now = self._clock().timestamp()
        kept = self._checked.get(token_digest)
        if kept and kept.proof == proof and kept.holder == holder and now < kept.until:
            return
        try:
            until = await self._proven(proof, Bond(holder, self._us, token_digest), now)
        except PartnerError as refused:
            raise UnprovenHolderError(refused.code, **refused.params) from refused
        self._checked[token_digest] = _Checked(proof, holder, until)
        _trim(self._checked, token_digest)

    async def proof_for(self, audience: Did, token: str) -> str:
        """Return the proof that goes with a token of ``audience``; one serves many reads."""
        now = self._clock().timestamp()
        kept = self._made.get((audience, token))
        if kept is not None and now < kept[1]:
            return kept[0]
        proof = self._issuer.possession(audience, token)
        self._made[audience, token] = (proof, now + PROOF_REUSED_SECONDS)
        _trim(self._made, (audience, token))
        return proof

    async def _proven(self, proof: str, bond: Bond, now: float) -> float:
        jwt = read_proof(proof, bond, now=now)
        kid = check_kid(jwt.header.kid, bond.holder)
        key = await self._resolver.key(bond.holder, kid, Purpose.INVOCATION)
        check_signature(jwt, key, who=bond.holder)
        return (jwt.claims.exp or now) + LEEWAY_SECONDS


def _trim(entries: OrderedDict[K, V], newest: K) -> None:
    entries.move_to_end(newest)
    if len(entries) > TOKENS_MAX:
        entries.popitem(last=False)
