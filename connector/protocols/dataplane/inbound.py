"""Serves the value of one aspect of one twin to the holder of a grant for that aspect.

AAS Part 2, V3.1, submodel profile SSP-003: value only. The plain address and the one with
``$value`` answer the same, since readers in the field use either.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.errors import PartnerError
from connector.offer.model import DatasetKind
from connector.protocols.result import NOT_FOUND, answering
from connector.transfer.addresses import DATA_PATH, slug, uuid_of
from connector.transfer.gate import Gate, Visitor
from connector.transfer.ledger import Ledger
from connector.twin.reading import SubmodelValue, TwinReader


@dataclass(frozen=True, slots=True)
class DataPlane:
    """What submodel values are answered from."""

    gate: Gate
    twins: TwinReader
    ledger: Ledger

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the data plane, below ``/data``."""
        path = f"{DATA_PATH}/{{shell}}/{{aspect}}/submodel"
        endpoint = answering(self._value)
        return [Route(path, endpoint), Route(f"{path}/$value", endpoint)]

    async def _value(self, request: Request) -> Response:
        visitor = await self.gate.admit(request.headers, DatasetKind.SUBMODELS)
        value = self._visible(request, visitor)
        what = (value.global_asset_id, str(visitor.dataset.semantic_id))
        await self.ledger.record(visitor.access, "submodel.read", *what)
        return Response(value.payload, media_type="application/json")

    def _visible(self, request: Request, visitor: Visitor) -> SubmodelValue:
        """Return the value if the token's dataset and the partner's rules open it."""
        dataset, semantic_id = visitor.dataset, visitor.dataset.semantic_id
        if semantic_id is None or request.path_params["aspect"] != slug(semantic_id):
            raise PartnerError("transfer:wrong_dataset", partner=visitor.access.partner_bpnl)
        shell_id = uuid_of(request.path_params["shell"])
        value = self.twins.submodel(shell_id, semantic_id) if shell_id else None
        if value is None or not visitor.sight.reads(
            value.audience, semantic_id, dataset.policy_name
        ):
            raise PartnerError(NOT_FOUND)
        return value
