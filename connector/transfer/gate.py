"""Lets a partner in: from the token of an access grant to what its holder may see, at each read.

What a token opens is a verdict that holds for a moment (`connector.transfer.verdicts`); what
the partner sees of it is asked at every single read. Where the partner proves that it holds
its tokens, a token opens nothing without that proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from connector.errors import PartnerError
from connector.offer.model import Dataset, DatasetKind
from connector.offer.sights import Sights
from connector.offer.visibility import Sight
from connector.partner.model import PROOF_HEADER, HolderProofs, UnprovenHolderError
from connector.transfer.access import Access
from connector.transfer.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class Visitor:
    """A partner who was let in to one dataset, and what it may see of it."""

    access: Access
    dataset: Dataset
    sight: Sight


class Gate:
    """Admits the holders of tokens; asked once per request."""

    def __init__(
        self,
        verdicts: Verdicts,
        sights: Sights,
        clock: Callable[[], datetime],
        proofs: HolderProofs | None = None,
    ) -> None:
        """Take what decides; without ``proofs``, a token that needs one opens nothing."""
        self._verdicts = verdicts
        self._sights = sights
        self._clock = clock
        self._proofs = proofs

    async def admit(self, headers: Mapping[str, str], kind: DatasetKind) -> Visitor:
        """Return the visitor behind the ``Authorization`` of a request.

        The token comes with or without ``Bearer``; ``headers`` finds names in any case.
        Raises `PartnerError` when there is no valid token, when it is for another kind of
        dataset, when no rule offers the dataset to this partner any more, or when its
        credentials do not meet the policy any more; `UnprovenHolderError` when the token is
        somebody else's; `TransientError` when nobody can tell whether they count.
        """
        authorization = headers.get("authorization")
        now = self._clock()
        verdict = self._verdicts.kept(authorization, now)
        if verdict is None:
            verdict = await self._verdicts.found(authorization, partial(self._prove, headers))
        elif verdict.access.holder_bound:
            await self._prove(headers, verdict.access)
        access, dataset = verdict.access, verdict.dataset
        if dataset.kind is not kind:
            raise PartnerError("transfer:wrong_dataset", partner=access.partner_bpnl)
        return Visitor(access, dataset, self._sights.of(access.partner_bpnl, now))

    async def _prove(self, headers: Mapping[str, str], access: Access) -> None:
        if not access.holder_bound:
            return
        proof = headers.get(PROOF_HEADER)
        if not proof:
            raise UnprovenHolderError("transfer:proof_missing", partner=access.partner_bpnl)
        if self._proofs is None:
            raise UnprovenHolderError("transfer:proof_unreadable", partner=access.partner_bpnl)
        await self._proofs.check(proof, access.token_digest, access.partner_did)
