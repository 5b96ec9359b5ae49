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
from typing import NamedTuple

from connector.errors import PartnerError
from connector.offer.model import Dataset, DatasetKind
from connector.offer.sights import Sights
from connector.offer.visibility import Sight
from connector.partner.model import PROOF_HEADER, HolderProofs, UnprovenHolderError
from connector.transfer.access import Access
from connector.transfer.verdicts import VERDICTS_MAX, Verdict, Verdicts


@dataclass(frozen=True, slots=True)
class Pass:
    """What a request shows at the gate: its ``Authorization``, and the proof of its holder."""

    authorization: str | None
    proof: str | None


class Visitor(NamedTuple):
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
        # By each proof, the verdict with which it was checked last.
        self._proven: dict[str, Verdict] = {}

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
        if verdict.access.holder_bound:
            self._remember(headers[PROOF_HEADER], verdict)
        access, dataset = verdict.access, verdict.dataset
        if dataset.kind is not kind:
            raise PartnerError("transfer:wrong_dataset", partner=access.partner_bpnl)
        return Visitor(access, dataset, self._sights.of(access.partner_bpnl, now))

    def moment(self) -> datetime:
        """Return the time, having read what is offered up to it: all that `warm` needs.

        Raises as the store does.
        """
        now = self._clock()
        self._sights.refresh(now)
        return now

    def warm(self, pass_: Pass, kind: DatasetKind, now: datetime) -> Visitor | None:
        """Return the visitor whom `admit` would let in without asking anybody, or None.

        ``now`` comes from `moment`, with nothing awaited since. A proof counts for as long as
        the verdict that holds was decided with it, or has been shown it: a second at most.
        """
        verdict = self._verdicts.kept(pass_.authorization, now)
        if verdict is None or verdict.dataset.kind is not kind:
            return None
        if verdict.access.holder_bound and self._proven.get(pass_.proof or "") is not verdict:
            return None
        sight = self._sights.seen(verdict.access.partner_bpnl)
        return Visitor(verdict.access, verdict.dataset, sight)

    def _remember(self, proof: str, verdict: Verdict) -> None:
        if len(self._proven) >= VERDICTS_MAX:
            self._proven.clear()
        self._proven[proof] = verdict

    async def _prove(self, headers: Mapping[str, str], access: Access) -> None:
        if not access.holder_bound:
            return
        proof = headers.get(PROOF_HEADER)
        if not proof:
            raise UnprovenHolderError("transfer:proof_missing", partner=access.partner_bpnl)
        if self._proofs is None:
            raise UnprovenHolderError("transfer:proof_unreadable", partner=access.partner_bpnl)
        await self._proofs.check(proof, access.token_digest, access.partner_did)
