"""What forbids a partner data under an agreement now: what we offer today, and what was agreed."""

from __future__ import annotations

from datetime import datetime

import orjson

from connector.offer.datasets import Shelf
from connector.offer.model import Dataset
from connector.offer.policy import evaluate
from connector.partner.model import Caller


def objections(
    shelf: Shelf, dataset: Dataset, agreed: bytes, caller: Caller, now: datetime
) -> tuple[str, ...]:
    """Return why the caller may not have the dataset now; nothing where it may.

    ``agreed`` is the policy of the agreement as JSON. Both have to hold: an operator may
    have sharpened the offer since, or prolonged it beyond what the partner has signed.
    """
    offered = shelf.allows(dataset, caller, now).reasons
    signed = evaluate(orjson.loads(agreed), caller, now).reasons
    return tuple(dict.fromkeys((*offered, *signed)))
