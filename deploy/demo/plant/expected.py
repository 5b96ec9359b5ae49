"""What must come of the plant's exports: counted from its tables, for the demo's tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from deploy.demo.plant import data
from deploy.demo.plant.build import built
from deploy.demo.plant.parts import footprints, lots, parts


@dataclass(frozen=True, slots=True)
class Expected:
    """Counts after everything was taken in once.

    ``rows`` counts what each file or topic holds without its header; ``aspects`` the valid
    ones by model name; ``quarantined`` the rows kept back by cause. The bill of materials
    with the unknown child is kept back whole, so its good lines are no aspect either.
    """

    rows: dict[str, int] = field(default_factory=dict)
    aspects: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    twins: dict[str, int] = field(default_factory=dict)


def expected() -> Expected:
    """Count what the plant's exports must lead to."""
    items = built()
    unknown = Counter(place.cause for place in data.wrong())["unknown child"]
    return Expected(
        rows={
            data.MASTERS: len(data.masters()),
            data.LOTS: len(data.lot_rows()),
            data.STRUCTURE: len(data.structure()),
            data.FOOTPRINTS: len(data.footprint_rows()),
            data.SERIALS: len(data.messages()),
        },
        aspects={
            "PartTypeInformation": len(parts()),
            "SerialPart": len(items),
            "Batch": len(lots()),
            "SingleLevelBomAsBuilt": len(items) - unknown,
            "Pcf": len(footprints()),
        },
        quarantined=dict(Counter(place.cause for place in data.wrong())),
        twins={"PartType": len(parts()), "PartInstance": len(items) + len(lots())},
    )
