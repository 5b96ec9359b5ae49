"""Descriptors as they go over the wire, shaped for the strictest of their readers.

Empty lists are present, the version of a model that old readers know comes first, and of
the subjects that an asset id is open to, a partner reads itself only. Specification of the
Asset Administration Shell, Part 2 (IDTA 01002-3-1), and CX-0002.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from uuid import UUID, uuid5

import orjson

from connector.errors import PartnerError
from connector.identifiers import Bpnl, SemanticId
from connector.offer.model import Dataset
from connector.transfer.addresses import submodel_path
from connector.twin.reading import Shell

LINKS_MAX = 50
ID_CHARACTERS_MAX = 2048
INTERFACE = "SUBMODEL-3.0"
DSP_PATH = "/dsp/2025-1"
PROFILES = (
    "https://admin-shell.io/aas/API/3/1/AssetAdministrationShellRegistryServiceSpecification/SSP-005",
    "https://admin-shell.io/aas/API/3/0/AssetAdministrationShellRegistryServiceSpecification/SSP-005",
    "https://admin-shell.io/aas/API/3/1/DiscoveryServiceSpecification/SSP-002",
)

Links = tuple[tuple[str, str], ...]


def shell_descriptor(
    shell: Shell, offered: Mapping[SemanticId, Dataset], bpnl: Bpnl, public_url: str
) -> dict[str, object]:
    """Return a shell with those of its submodels that are offered to one partner."""
    return {
        "id": shell.shell_id.urn,
        "idShort": f"Twin_{shell.shell_id.hex}",
        "globalAssetId": shell.global_asset_id,
        "description": [],
        "displayName": [],
        "specificAssetIds": [asset_id(name, value, bpnl) for name, value in shell.asset_ids],
        "submodelDescriptors": submodel_descriptors(shell, offered, public_url),
    }


def asset_id(name: str, value: str, bpnl: Bpnl) -> dict[str, object]:
    """Return a specific asset id as open to one partner."""
    return {
        "name": name,
        "value": value,
        "supplementalSemanticIds": [],
        "externalSubjectId": _reference(bpnl),
    }


def submodel_descriptors(
    shell: Shell, offered: Mapping[SemanticId, Dataset], public_url: str
) -> list[dict[str, object]]:
    """Return the descriptors of a shell's offered submodels, older model versions first."""
    return [
        {
            "id": submodel_id(shell, semantic_id).urn,
            "idShort": _first_lower(semantic_id.aspect_name),
            "semanticId": _reference(semantic_id),
            "supplementalSemanticId": [],
            "description": [],
            "displayName": [],
            "endpoints": [_endpoint(shell.shell_id, semantic_id, dataset, public_url)],
        }
        for semantic_id, dataset in offered.items()
    ]


def submodel_id(shell: Shell, semantic_id: SemanticId) -> UUID:
    """Return the id of one aspect of one twin; it is worked out from both."""
    return uuid5(shell.shell_id, semantic_id)


def links_of(body: object) -> Links:
    """Return the asset ids of a search as name and value.

    Raises `PartnerError` when it is not a list of such objects, or is too long.
    """
    if not isinstance(body, list) or len(body) > LINKS_MAX:
        raise PartnerError("connector.protocols.aas:links_malformed", limit=LINKS_MAX)
    return tuple(_link(entry) for entry in body)


def links_of_query(encoded: Iterable[str]) -> Links:
    """Return the asset ids of the older form of search: each one base64 of its JSON."""
    return links_of([_json(decoded(text)) for text in encoded])


def decoded(text: str) -> str:
    """Return what base64 stands for: of either alphabet, padded or not, also with blanks.

    A plus sign that was not escaped in a query arrives as a blank. Raises `PartnerError`
    when it is no base64 of a text.
    """
    standard = text.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        raw = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        return raw.decode()
    except (binascii.Error, ValueError):
        raise PartnerError("connector.protocols.aas:base64_malformed", value=text[:100]) from None


def _link(entry: object) -> tuple[str, str]:
    name, value = (entry.get("name"), entry.get("value")) if isinstance(entry, dict) else (0, 0)
    if not isinstance(name, str) or not isinstance(value, str) or len(value) > ID_CHARACTERS_MAX:
        raise PartnerError("connector.protocols.aas:links_malformed", limit=LINKS_MAX)
    return name, value


def _json(text: str) -> object:
    try:
        found: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise PartnerError("connector.protocols.aas:links_malformed", limit=LINKS_MAX) from None
    return found


def _endpoint(
    shell_id: UUID, semantic_id: SemanticId, dataset: Dataset, public_url: str
) -> dict[str, object]:
    return {
        "interface": INTERFACE,
        "protocolInformation": {
            "href": f"{public_url}{submodel_path(shell_id, semantic_id)}",
            "endpointProtocol": "HTTP",
            "endpointProtocolVersion": ["1.1"],
            "subprotocol": "DSP",
            "subprotocolBody": f"id={dataset.id};dspEndpoint={public_url}{DSP_PATH}",
            "subprotocolBodyEncoding": "plain",
            "securityAttributes": [{"type": "NONE", "key": "NONE", "value": "NONE"}],
        },
    }


def _reference(value: str) -> dict[str, object]:
    return {"type": "ExternalReference", "keys": [{"type": "GlobalReference", "value": value}]}


def _first_lower(name: str) -> str:
    return name[:1].lower() + name[1:]
