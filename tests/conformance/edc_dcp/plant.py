"""What lies behind an Eclipse connector: a registry of radios, each twin with one submodel.

The submodels lie in three assets, so that each can be offered under terms of its own.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import NAMESPACE_URL, uuid5

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
REGISTRY_ASSET, SUBMODEL_ASSET = "registry", "serial-parts"
OTHERS_ASSET, CARBON_ASSET = "serial-parts-of-others", "serial-parts-for-carbon"
PART = "RAD-1"
SERIAL, OTHERS_SERIAL, CARBON_SERIAL = "RAD-1-0001", "RAD-1-0002", "RAD-1-0003"
ASSETS = {
    SERIAL: SUBMODEL_ASSET,
    OTHERS_SERIAL: OTHERS_ASSET,
    CARBON_SERIAL: CARBON_ASSET,
}


def twin_of(serial: str) -> str:
    """Return the globalAssetId of a radio."""
    return uuid5(NAMESPACE_URL, f"twin/{serial}").urn


def _shell_of(serial: str) -> str:
    return uuid5(NAMESPACE_URL, f"shell/{serial}").urn


TWIN = twin_of(SERIAL)
_SHELLS = {_shell_of(serial): serial for serial in ASSETS}


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
    """Make all assets, which nobody is offered yet."""
    kind = {"dct:type": {"@id": REGISTRY}}
    publisher.put(REGISTRY_ASSET, kind, _address(f"{plant}/registry", "proxyMethod", "proxyBody"))
    for asset in ASSETS.values():
        publisher.put(asset, {"name": asset}, _address(plant))


def _address(url: str, *also: str) -> Json:
    passed_on = dict.fromkeys(("proxyPath", "proxyQueryParams", *also), "true")
    return {"type": "HttpData", "baseUrl": url, **passed_on}


def _application(edc: Edc) -> Starlette:
    async def lookup(request: Request) -> Response:
        asked = {(one["name"], one["value"]) for one in await request.json()}
        found = [shell for shell, serial in _SHELLS.items() if asked <= _links(serial).items()]
        return JSONResponse({"result": found})

    async def shell(request: Request) -> Response:
        coded = request.path_params["shell"]
        named = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
        return JSONResponse(_descriptor(edc, _SHELLS[named]))

    async def value(request: Request) -> Response:
        return JSONResponse(_payload(request.path_params["serial"]))

    return Starlette(
        routes=[
            Route("/registry/lookup/shellsByAssetLink", lookup, methods=["POST"]),
            Route("/registry/shell-descriptors/{shell}", shell),
            Route("/{serial}/submodel/$value", value),
        ]
    )


def _links(serial: str) -> dict[str, str]:
    return {"manufacturerPartId": PART, "partInstanceId": serial}


def _descriptor(edc: Edc, serial: str) -> Json:
    key = {"type": "GlobalReference", "value": SEMANTIC_ID}
    place = {
        "href": f"{edc.public_url}/{serial}/submodel",
        "endpointProtocol": "HTTP",
        "subprotocol": "DSP",
        "subprotocolBody": f"id={ASSETS[serial]};dspEndpoint={edc.protocol_root}/2025-1",
    }
    submodel = {
        "id": uuid5(NAMESPACE_URL, f"submodel/{serial}").urn,
        "semanticId": {"type": "ExternalReference", "keys": [key]},
        "endpoints": [{"interface": "SUBMODEL-3.0", "protocolInformation": place}],
    }
    links = [{"name": name, "value": value} for name, value in _links(serial).items()]
    return {
        "id": _shell_of(serial),
        "globalAssetId": twin_of(serial),
        "specificAssetIds": links,
        "submodelDescriptors": [submodel],
    }


def _payload(serial: str) -> Json:
    return {
        "catenaXId": twin_of(serial),
        "localIdentifiers": [
            {"key": "manufacturerId", "value": "BPNL00000000EDC1"},
            {"key": "partInstanceId", "value": serial},
        ],
        "manufacturingInformation": {"date": "2026-11-20T10:00:00Z", "country": "DEU"},
        "partTypeInformation": {"manufacturerPartId": PART, "nameAtManufacturer": "Radio"},
    }
