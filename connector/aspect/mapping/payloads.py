"""The keys of an asset as a ready payload holds them.

Names of both generations of the industry core models are known: ``catenaXId`` of version 3
and before, ``globalAssetId`` of version 4 (CX-0126, CX-0127).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connector.aspect.mapping.definition import INSTANCE_KEYS
from connector.identifiers import IdentityKey, TwinType

OWN_ID_NAMES = ("catenaXId", "globalAssetId")
FURTHER_IDS = ("van", "jisCallDate", "parentOrderNumber")

_URN = "urn:uuid:"


class Named(NamedTuple):
    """What a payload says about the asset that it is about."""

    identity: IdentityKey | None
    own_id: str | None
    own_id_name: str
    asset_ids: tuple[tuple[str, str], ...]


def named_in(payload: Mapping[str, object], kind: TwinType | None, manufacturer: str) -> Named:
    """Return the keys in a payload; ``manufacturer`` stands in where it names none.

    ``kind`` is what the source calls the asset, None where it does not say. The identity is
    None where the payload does not hold all its keys.
    """
    local = _local_identifiers(payload.get("localIdentifiers"))
    part = payload.get("partTypeInformation")
    part_type = part if isinstance(part, Mapping) else {}
    part_id = part_type.get("manufacturerPartId") or payload.get("manufacturerPartId")
    identity = _identity(local, kind, local.get("manufacturerId") or manufacturer, part_id)
    name = next((n for n in OWN_ID_NAMES if isinstance(payload.get(n), str)), "")
    own_id = payload.get(name)
    further = {"customerPartId": part_type.get("customerPartId"), **local}
    asset_ids = tuple(
        (key, value)
        for key, value in further.items()
        if key in {"customerPartId", *FURTHER_IDS} and isinstance(value, str) and value
    )
    return Named(identity, own_id if isinstance(own_id, str) else None, name, asset_ids)


def is_same_asset(one: str, other: str) -> bool:
    """Whether two ids are the same UUID, however it is written."""
    return one.lower().removeprefix(_URN) == other.lower().removeprefix(_URN)


def _identity(
    local: Mapping[str, str], kind: TwinType | None, manufacturer: str, part_id: object
) -> IdentityKey | None:
    if not manufacturer or not isinstance(part_id, str) or not part_id:
        return None
    name = next((key for key in INSTANCE_KEYS if local.get(key)), "")
    if name and kind is not TwinType.PART_TYPE:
        instance = TwinType.PART_INSTANCE
        return IdentityKey(instance, manufacturer, part_id, name, local[name])
    if kind is TwinType.PART_TYPE or (kind is None and not name):
        return IdentityKey(TwinType.PART_TYPE, manufacturer, part_id)
    return None


def _local_identifiers(listed: object) -> dict[str, str]:
    """Return key to value of ``localIdentifiers``; of a key that comes twice, the first."""
    found: dict[str, str] = {}
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, Mapping):
            key, value = entry.get("key"), entry.get("value")
            if isinstance(key, str) and isinstance(value, str):
                found.setdefault(key, value)
    return found
