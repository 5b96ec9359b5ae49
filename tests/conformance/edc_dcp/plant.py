"""What lies behind an Eclipse connector: a registry with one twin, and its one submodel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.demo.processes import free_port, listens, wait_until
from tests.conformance.edc.eclipse import Edc, Json, Publisher
from tests.conformance.edc.ground import HOST
from tests.conformance.edc.reading import REGISTRY

SEMANTIC_ID = "urn:samm:io.catenax.serial_part:3.0.0#SerialPart"
PART, SERIAL = "RAD-1", "RAD-1-0001"
TWIN = "urn:uuid:0f0b7d86-9b0c-4d4f-8a35-6d2a0b6cb0a1"
SHELL = "urn:uuid:51b1a6fd-7d0b-4f3e-8b1d-2d3c5a1fbb10"
SUBMODEL = "/serial-part/submodel"
REGISTRY_ASSET, SUBMODEL_ASSET = "registry", "serial-parts"

PAYLOAD: Json = {
    "catenaXId": TWIN,
    "localIdentifiers": [
        {"key": "manufacturerId", "value": "BPNL00000000EDC1"},
        {"key": "partInstanceId", "value": SERIAL},
    ],
    "manufacturingInformation": {"date": "2026-11-20T10:00:00Z", "country": "DEU"},
    "partTypeInformation": {"manufacturerPartId": PART, "nameAtManufacturer": "Radio"},
}


@contextmanager
def serving(edc: Edc) -> Iterator[str]:
    """Serve the twin of a company whose data plane is EDC's; give the address."""
    port = free_port()
    # Its data plane sends bodies in chunks.
    config = uvicorn.Config(_application(edc), host=HOST, port=port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: listens(port), "the plant")
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.should_exit = True
        thread.join()


def publish(publisher: Publisher, plant: str) -> None:
    """Make the two assets, which nobody is offered yet."""
    kind = {"dct:type": {"@id": REGISTRY}}
    publisher.put(REGISTRY_ASSET, kind, _address(f"{plant}/registry", "proxyMethod", "proxyBody"))
    publisher.put(SUBMODEL_ASSET, {"name": "serial parts"}, _address(plant))


def _address(url: str, *also: str) -> Json:
    passed_on = dict.fromkeys(("proxyPath", "proxyQueryParams", *also), "true")
    return {"type": "HttpData", "baseUrl": url, **passed_on}


def _application(edc: Edc) -> Starlette:
    known = {"manufacturerPartId": PART, "partInstanceId": SERIAL}

    async def lookup(request: Request) -> Response:
        asked = await request.json()
        found = all(known.get(one["name"]) == one["value"] for one in asked)
        return JSONResponse({"result": [SHELL] if found else []})

    async def shell(_: Request) -> Response:
        return JSONResponse(_descriptor(edc))

    async def value(_: Request) -> Response:
        return JSONResponse(PAYLOAD)

    return Starlette(
        routes=[
            Route("/registry/lookup/shellsByAssetLink", lookup, methods=["POST"]),
            Route("/registry/shell-descriptors/{id}", shell),
            Route(f"{SUBMODEL}/$value", value),
        ]
    )


def _descriptor(edc: Edc) -> Json:
    key = {"type": "GlobalReference", "value": SEMANTIC_ID}
    place = {
        "href": edc.public_url + SUBMODEL,
        "endpointProtocol": "HTTP",
        "subprotocol": "DSP",
        "subprotocolBody": f"id={SUBMODEL_ASSET};dspEndpoint={edc.protocol_root}/2025-1",
    }
    submodel = {
        "id": "urn:uuid:7f2b5a44-53f8-4d4e-8a8c-0d4a3f2e9a55",
        "semanticId": {"type": "ExternalReference", "keys": [key]},
        "endpoints": [{"interface": "SUBMODEL-3.0", "protocolInformation": place}],
    }
    links = {"manufacturerPartId": PART, "partInstanceId": SERIAL}
    return {
        "id": SHELL,
        "globalAssetId": TWIN,
        "specificAssetIds": [{"name": name, "value": value} for name, value in links.items()],
        "submodelDescriptors": [submodel],
    }
