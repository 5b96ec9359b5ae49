"""What forbids a partner data under an agreement now: what we offer today, and what was agreed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import orjson

from connector.agreement.model import Agreement
from connector.offer.datasets import Shelf
from connector.offer.model import Dataset
from connector.offer.policy import evaluate
from connector.partner.model import Caller


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed on: the policy of the agreement as JSON, and when it was signed."""

    policy: bytes = field(repr=False)
    signed_at: datetime

    @classmethod
    def of(cls, agreement: Agreement) -> Agreed:
        """Return what an agreement says."""
        return cls(orjson.dumps(agreement.policy), agreement.signed_at)


def objections(
    shelf: Shelf, dataset: Dataset, agreed: Agreed, caller: Caller, now: datetime
) -> tuple[str, ...]:
    """Return why the caller may not have the dataset now; nothing where it may.

    Both have to hold, what is offered and what was agreed: an operator may have sharpened
    the offer since, or prolonged it beyond what the partner has signed.
    """
    signed_at = agreed.signed_at
    offered = shelf.allows(dataset, caller, now, signed_at).reasons
    signed = evaluate(orjson.loads(agreed.policy), caller, now, signed_at=signed_at).reasons
    return tuple(dict.fromkeys((*offered, *signed)))
