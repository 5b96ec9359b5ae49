"""Visits our own parts: the same questions as at a partner, answered from our own store."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from connector.collection.model import AssetIds, RemoteSubmodel, Shell
from connector.errors import PartnerError
from connector.identifiers import SemanticId
from connector.partner.model import Partner
from connector.store.database import Database, Row
from connector.twin.search import question

SHELLS_MAX = 100
_TWIN = (
    "SELECT t.id, t.global_asset_id, k.value, m.value, t.part, n.value, t.instance FROM {source}"
    " LEFT JOIN interned k ON k.id = t.twin_type LEFT JOIN interned m ON m.id = t.manufacturer"
    " LEFT JOIN interned n ON n.id = t.instance_name"
    " WHERE {conditions} AND t.owner IS NULL ORDER BY t.id LIMIT ?"
)
_SUBMODELS = (
    "SELECT i.value, s.aspect FROM submodel s JOIN interned i ON i.id = s.semantic"
    " WHERE s.twin = ? ORDER BY i.value"
)


class OwnVisit:
    """Gets at the twins of this connector itself."""

    def __init__(self, db: Database) -> None:
        """Take the store."""
        self._db = db

    async def shells(self, partner: Partner, asset_ids: AssetIds) -> tuple[Shell, ...]:  # noqa: ARG002 - the port names the company, and here it is us
        """Return our twins that bear all these ids."""
        asked = question(asset_ids)
        conditions = " AND ".join((*asked.conditions, "true"))
        sql = _TWIN.format(source=asked.source, conditions=conditions)
        rows = self._db.rows(sql, (*asked.parameters, SHELLS_MAX))
        return tuple(self._shell(row) for row in rows)

    async def value(self, partner: Partner, submodel: RemoteSubmodel) -> Mapping[str, object]:
        """Return the current payload of one of our aspects."""
        row = self._db.row("SELECT payload FROM aspect WHERE id = ?", (int(submodel.href),))
        if row is None:
            raise PartnerError("collection:own_twin_unknown", partner=partner.name)
        payload: Mapping[str, object] = orjson.loads(row[0])
        return payload

    def _shell(self, row: Row) -> Shell:
        twin, global_asset_id, kind, manufacturer, part, instance_name, instance = row
        asset_ids = {
            "digitalTwinType": kind,
            "manufacturerId": manufacturer,
            "manufacturerPartId": part,
            instance_name: instance,
        }
        submodels = tuple(
            RemoteSubmodel(SemanticId(semantic), str(aspect), "", "")
            for semantic, aspect in self._db.rows(_SUBMODELS, (twin,))
        )
        return Shell(global_asset_id, {k: v for k, v in asset_ids.items() if k and v}, submodels)
