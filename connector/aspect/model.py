"""Aspects: what a record says, in the words of a shared semantic model.

A mapping turns a record into a `Draft`. The ids of twins are not the mapping's business:
where the payload needs one it leaves a `Slot`, and derivation fills it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from connector.errors import Finding
from connector.identifiers import IdentityKey, SemanticId

Payload = dict[str, object]


class Slot(NamedTuple):
    """A place in a payload that wants a global asset id.

    ``identity`` names the asset; None means the one that the payload itself is about.
    ``row`` and ``column`` say where the reference comes from.
    """

    holder: Payload
    key: str
    identity: IdentityKey | None
    row: int = 0
    column: str = ""


class Draft(NamedTuple):
    """A payload before its ids are filled in and before it is validated.

    ``identity`` may be None where the source gives an id (``given_id``) instead.
    ``asset_ids`` are further specific asset ids of the twin, such as ``customerPartId``.
    """

    semantic_id: SemanticId
    payload: Payload
    identity: IdentityKey | None
    given_id: str | None = None
    slots: tuple[Slot, ...] = ()
    asset_ids: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()


class Standing(NamedTuple):
    """What an id stands for already: its asset, and the partner it came from (None: us)."""

    identity: IdentityKey | None
    owner: str | None


class Identities(Protocol):
    """The port through which derivation learns ids; the twin room implements it."""

    def allot(self, wanted: Mapping[IdentityKey, str | None]) -> Mapping[IdentityKey, str]:
        """Return the id of each asset: the stored one, else the given one, else a new one."""
        ...

    def known(self, wanted: frozenset[IdentityKey]) -> Mapping[IdentityKey, str]:
        """Return the ids of those assets that have a twin already."""
        ...

    def standing(self, ids: frozenset[str]) -> Mapping[str, Standing]:
        """Return what those ids stand for that are in use already."""
        ...


class AspectRow(NamedTuple):
    """An aspect as derivation stored it, for the twin room to register."""

    id: int
    semantic_id: SemanticId
    identity: IdentityKey | None
    global_asset_id: str
    asset_ids: tuple[tuple[str, str], ...]
    owner: str | None
