"""Reads payloads as a walk needs them: children, names, footprints. Pure rules.

Both generations of the as-built models are read: ``catenaXId`` up to version 3,
``globalAssetId`` from version 4 on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from connector.collection.model import Child, Footprint, Part, Pulled, Shell
from connector.identifiers import Bpnl

BILLS = ("SingleLevelBomAsBuilt", "SingleLevelBomAsPlanned")
INSTANCE_NAMES = ("partInstanceId", "batchId", "jisNumber")
KG_BY_UNIT: Mapping[str, float] = {"kilogram": 1.0, "gram": 0.001, "tonneMetricTon": 1000.0}
PIECES = ("piece", "one", "unit")


def children(aspects: Iterable[Pulled]) -> tuple[Child, ...]:
    """Return the lines of all bills of materials among the aspects, each child once."""
    found: dict[str, Child] = {}
    for aspect in aspects:
        if aspect.semantic_id.aspect_name in BILLS:
            for child in _lines(aspect.payload):
                found.setdefault(plain_id(child.global_asset_id), child)
    return tuple(found.values())


def plain_id(global_asset_id: str) -> str:
    """Return an id in the one spelling by which ids are compared: partners write several."""
    return global_asset_id.lower().removeprefix("urn:uuid:")


def part(shell: Shell, aspects: Sequence[Pulled], part_type: Sequence[Pulled]) -> Part:
    """Return what the report says of a part."""
    payloads = [aspect.payload for aspect in (*aspects, *part_type)]
    name = next((n for n in map(_name, payloads) if n), "")
    kinds = [kind for kind in INSTANCE_NAMES if shell.asset_ids.get(kind)]
    kind = kinds[0] if kinds else ""
    return Part(
        name,
        shell.asset_ids.get("manufacturerPartId", "") or _part_id(payloads),
        kind,
        shell.asset_ids.get(kind, ""),
        tuple(aspect.semantic_id for aspect in (*aspects, *part_type)),
        footprint((*aspects, *part_type)),
    )


def footprint(aspects: Iterable[Pulled]) -> Footprint | None:
    """Return the footprint that a part's aspects state, from Pcf 9 or 10 or else from 7."""
    for aspect in aspects:
        if aspect.semantic_id.aspect_name == "Pcf":
            stated = _grouped(aspect.payload) or _flat(aspect.payload)
            if stated:
                return stated
    return None


def share(stated: Footprint, quantity: float | None, unit: str) -> float | None:
    """Return the kg CO2e of a quantity of a part, or None where the units do not meet.

    A quantity in pieces is counted against a footprint per piece, one in mass against the
    mass that the footprint was stated for. No quantity means one piece: the asked part.
    """
    amount = 1.0 if quantity is None else quantity
    short = unit.removeprefix("unit:") or "piece"
    if short == stated.unit or {short, stated.unit} <= set(PIECES):
        return stated.kg_co2e * amount / stated.amount
    kilograms = KG_BY_UNIT.get(short)
    mass = stated.amount * KG_BY_UNIT.get(stated.unit, 0.0) or stated.mass_kg
    if kilograms is None or not mass:
        return None
    return stated.kg_co2e * amount * kilograms / mass


def _lines(payload: Mapping[str, object]) -> Iterator[Child]:
    items = payload.get("childItems")
    for item in items if isinstance(items, list) else ():
        child = _line(item) if isinstance(item, Mapping) else None
        if child:
            yield child


def _line(item: Mapping[str, object]) -> Child | None:
    """Read one line as far as it can be: a partner's bill may not keep to its model."""
    identifier = item.get("catenaXId") or item.get("globalAssetId")
    if not isinstance(identifier, str):
        return None
    partner, quantity = item.get("businessPartner"), item.get("quantity")
    stated = quantity if isinstance(quantity, Mapping) else {}
    return Child(
        identifier,
        Bpnl(partner if isinstance(partner, str) else ""),
        _number(stated.get("value", stated.get("quantityNumber"))),
        str(stated.get("unit", stated.get("measurementUnit", ""))),
    )


def _name(payload: Mapping[str, object]) -> str:
    described = payload.get("partTypeInformation")
    if not isinstance(described, Mapping):
        return ""
    return str(described.get("nameAtManufacturer") or described.get("nameAtCustomer") or "")


def _part_id(payloads: Iterable[Mapping[str, object]]) -> str:
    for payload in payloads:
        described = payload.get("partTypeInformation")
        if isinstance(described, Mapping) and described.get("manufacturerPartId"):
            return str(described["manufacturerPartId"])
    return ""


def _grouped(payload: Mapping[str, object]) -> Footprint | None:
    """Read version 9 or 10, where each group is a list of one object."""
    stage = _first(_first(payload, "productLifeCycleStagesAndEmissions"), "productionStage")
    product = _first(_first(payload, "companyAndProductInformation"), "productInformation")
    kg = _number(stage.get("pcfExcludingBiogenicUptake"))
    amount = _number(product.get("declaredUnitAmount"))
    if kg is None or not amount:
        return None
    unit = str(product.get("declaredUnitOfMeasurement", ""))
    return Footprint(kg, amount, unit, _number(product.get("productMassPerDeclaredUnit")))


def _flat(payload: Mapping[str, object]) -> Footprint | None:
    """Read version 7, whose values are per one declared unit."""
    stated = payload.get("pcf")
    if not isinstance(stated, Mapping):
        return None
    kg = _number(stated.get("pcfExcludingBiogenic"))
    if kg is None:
        return None
    mass = _number(stated.get("productMassPerDeclaredUnit"))
    return Footprint(kg, 1.0, str(stated.get("declaredUnit", "")), mass)


def _first(payload: Mapping[str, object], name: str) -> Mapping[str, object]:
    group = payload.get(name)
    if isinstance(group, list) and group and isinstance(group[0], Mapping):
        return group[0]
    return {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and value is not True else None
