"""What a walk looks for and finds, and the ports through which it reaches partners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from connector.errors import Finding
from connector.identifiers import Bpnl, SemanticId
from connector.partner.model import Partner

AssetIds = tuple[tuple[str, str], ...]


class Step(StrEnum):
    """Where a walk failed; the vocabulary of the Item Relationship Service (CX-0005)."""

    TWIN = "DigitalTwinRequest"
    SUBMODEL = "SubmodelRequest"
    SCHEMA = "SchemaValidation"
    POLICY = "UsagePolicyValidation"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to collect: a part of a partner by its id or by other keys, and how far down.

    ``aspects`` are semantic ids or aspect names; empty means all that is offered.
    """

    partner: Bpnl
    global_asset_id: str = ""
    asset_ids: AssetIds = ()
    aspects: tuple[str, ...] = ()
    depth_max: int = 32


@dataclass(frozen=True, slots=True)
class Place:
    """One place in a walked bill of materials, still to be visited."""

    id: int
    collection: str
    parent: int | None
    depth: int
    partner: Bpnl
    global_asset_id: str
    attempts: int


@dataclass(frozen=True, slots=True)
class RemoteSubmodel:
    """A submodel as a partner's registry describes it: what it is, and where to get it.

    ``described_by`` is the connector whose registry says so, where a partner has several.
    """

    semantic_id: SemanticId
    href: str
    dataset_id: str
    dsp_endpoint: str
    described_by: Partner | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """One aspect that was got: the JSON value, parsed."""

    semantic_id: SemanticId
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Gap:
    """One aspect that could not be had while the part itself could."""

    aspect: str
    step: Step
    reason: str


@dataclass(frozen=True, slots=True)
class Shell:
    """A twin as its owner's registry describes it to us.

    ``missed`` names connectors of its owner that could not be asked about it.
    """

    global_asset_id: str
    asset_ids: Mapping[str, str]
    submodels: tuple[RemoteSubmodel, ...] = ()
    missed: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What visiting one place brought: the twin, its aspects, its part type's aspects."""

    shell: Shell
    aspects: tuple[Pulled, ...]
    part_type: tuple[Pulled, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Child:
    """One line of a bill of materials, as the parent's aspect states it."""

    global_asset_id: str
    partner: Bpnl
    quantity: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Footprint:
    """A product carbon footprint: kg CO2e per ``amount`` x ``unit``, and their mass in kg."""

    kg_co2e: float
    amount: float
    unit: str
    mass_kg: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What a walk remembers of a part, for the report."""

    name: str = ""
    manufacturer_part_id: str = ""
    instance_name: str = ""
    instance: str = ""
    aspects: tuple[str, ...] = ()
    footprint: Footprint | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One place of a walk as it stands: visited, open, or a tombstone with its reason."""

    id: int
    parent: int | None
    partner: Bpnl
    global_asset_id: str
    quantity: float | None
    unit: str
    state: str
    step: str
    reason: str
    part: Part = field(default_factory=Part)
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Collection:
    """A walk: what was wanted, how it stands, and when it began and ended."""

    id: str
    wanted: Wanted
    state: str
    started_at: datetime
    finished_at: datetime | None
    failure: Finding | None


class Visit(Protocol):
    """The port through which a walk gets at one company's parts: a partner's, or our own."""

    async def shells(self, partner: Partner, asset_ids: AssetIds) -> tuple[Shell, ...]:
        """Return the twins that bear all these ids and that we may see.

        Raises `PartnerError` and `TransientError`.
        """
        ...

    async def value(self, partner: Partner, submodel: RemoteSubmodel) -> Mapping[str, object]:
        """Return the value of a submodel; raises as `shells` does."""
        ...
