"""Twins: one per asset, under an id that never changes."""

from __future__ import annotations

from dataclasses import dataclass

from connector.identifiers import IdentityKey, SemanticId


@dataclass(frozen=True, slots=True)
class Submodel:
    """The current version of one aspect on a twin; ``version`` counts from 1."""

    semantic_id: SemanticId
    aspect: int
    version: int


@dataclass(frozen=True, slots=True)
class Twin:
    """A part type or part instance with its ids.

    ``owner`` is the BPNL of the partner that shared it, None for our own. ``identity`` is
    None as long as only its id is known, as it may be with a partner's part.
    """

    id: int
    global_asset_id: str
    identity: IdentityKey | None
    owner: str | None
