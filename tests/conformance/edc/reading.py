"""What whoever drives an Eclipse connector does with a data address that it got from us."""

from __future__ import annotations

import json

from tests.conformance.edc.eclipse import Json, fetch

REGISTRY = "https://w3id.org/catenax/taxonomy#DigitalTwinRegistry"


def registry_of(datasets: list[Json]) -> Json:
    """Return the dataset of the registry."""
    return next(one for one in datasets if one["dct:type"]["@id"] == REGISTRY)


def search(address: Json, part: str) -> tuple[int, Json]:
    """Look twins up in the registry, by the number of their part."""
    links = [{"name": "manufacturerPartId", "value": part}]
    return get(address, f"{address['endpoint']}/lookup/shellsByAssetLink", links)


def get(address: Json, url: str, body: object = None) -> tuple[int, Json]:
    """Ask by the address's token, POST where there is a body; return status and answer."""
    headers = {"Authorization": address["authorization"], "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body).encode()
    status, answer = fetch(url, headers, sent)
    found: Json = json.loads(answer)
    return status, found
