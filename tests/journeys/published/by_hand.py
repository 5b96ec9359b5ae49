"""Reads and counts the published files with nothing of ours: what a person counts on paper.

The form is ``{"assets": [{"assetMetaInfo": {...}, "submodels": [{"aspectType", "payload"}]}]}``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

A = "BPNL000000002BR4"
B = "BPNL000000002CS4"
FILES = {A: "import-test-data-2BR4_v1.0.1.json", B: "import-test-data-2CS4_v1.0.1.json"}

SITES = "PartSiteInformationAsPlanned"


class Aspect(NamedTuple):
    """One payload as it was published, the ``row``-th of its file, counted from 1."""

    row: int
    asset: str
    semantic_id: str
    payload: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.semantic_id.partition("#")[2]

    @property
    def lacks_a_site(self) -> bool:
        """The model requires catenaXsiteId of every site; some write catenaXSiteId instead."""
        return self.name == SITES and any("catenaXsiteId" not in s for s in self.payload["sites"])

    @property
    def contradicts_its_asset(self) -> bool:
        """The payload says another catenaXId than the asset under which it was published."""
        return self.payload.get("catenaXId", self.asset) != self.asset


class Line(NamedTuple):
    """One line of a bill of materials: which asset holds which, and who is said to have it."""

    parent: str
    child: str
    partner: str


class Stop(NamedTuple):
    """One place on a walk: ``why`` says why the part cannot be had, empty where it can."""

    partner: str
    asset: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """What one company published."""

    assets: Sequence[str]
    aspects: Sequence[Aspect]

    @property
    def by_model(self) -> Counter[str]:
        return Counter(aspect.name for aspect in self.aspects)

    @property
    def sound(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """The payloads with which nothing is wrong, by asset and model."""
        return {
            (aspect.asset, aspect.semantic_id): aspect.payload
            for aspect in self.aspects
            if not aspect.lacks_a_site and not aspect.contradicts_its_asset
        }

    @property
    def lines(self) -> list[Line]:
        return [
            Line(aspect.asset, item["catenaXId"], item["businessPartner"])
            for aspect in self.aspects
            for item in aspect.payload.get("childItems", ())
        ]

    @property
    def roots(self) -> list[str]:
        """The assets that have a bill of materials, as built or as planned."""
        return list(dict.fromkeys(line.parent for line in self.lines))


def read(folder: Path) -> dict[str, Published]:
    return {bpnl: _read(folder / name) for bpnl, name in FILES.items()}


def walk(
    files: Mapping[str, Published], partner: str, asset: str, above: tuple[str, ...] = ()
) -> Iterator[Stop]:
    """Yield every place of a bill of materials, parents before their children."""
    why = _obstacle(files, partner, asset, above)
    yield Stop(partner, asset, why)
    if why:
        return
    for line in files[partner].lines:
        if line.parent == asset:
            yield from walk(files, line.partner, line.child, (*above, asset))


def _obstacle(
    files: Mapping[str, Published], partner: str, asset: str, above: tuple[str, ...]
) -> str:
    if asset in above:
        return "circle"
    if partner not in files:
        return "stranger"
    return "" if asset in files[partner].assets else "absent"


def _read(path: Path) -> Published:
    assets = json.loads(path.read_text(encoding="utf-8"))["assets"]
    pairs = [
        (asset["assetMetaInfo"]["catenaXId"], submodel)
        for asset in assets
        for submodel in asset["submodels"]
    ]
    return Published(
        [asset["assetMetaInfo"]["catenaXId"] for asset in assets],
        [
            Aspect(row, asset, submodel["aspectType"], submodel["payload"])
            for row, (asset, submodel) in enumerate(pairs, 1)
        ],
    )
