"""Says in plain words what a policy means for the partner who wants the data."""

from __future__ import annotations

from connector.offer.vocabulary import Operand
from connector.texts import word


def meaning_of(operand: Operand, language: str) -> str:
    """Return what a left operand of the profile means."""
    letters = (f"_{one.lower()}" if one.isupper() else one for one in operand.name)
    key = "operand_" + "".join(letters).removeprefix("_")
    return word(f"offer:{key}", language)
