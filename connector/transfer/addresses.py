"""Where on the partners' side data lies: paths below the public address."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from connector.identifiers import SemanticId
from connector.offer.model import Dataset, DatasetKind

REGISTRY_PATH = "/api/v3"
DATA_PATH = "/data"
SLUGS_KEPT_MAX = 1_000
REFRESH_PATH = "/refresh"


def endpoint_of(dataset: Dataset, public_url: str) -> str:
    """Return the address that an access grant for a dataset opens, without trailing slash."""
    path = REGISTRY_PATH if dataset.kind is DatasetKind.REGISTRY else DATA_PATH
    return public_url.rstrip("/") + path


def submodel_path(shell_id: UUID, semantic_id: SemanticId) -> str:
    """Return the path of one aspect of one twin."""
    return f"{DATA_PATH}/{shell_id}/{slug(semantic_id)}/submodel"


@lru_cache(maxsize=SLUGS_KEPT_MAX)
def slug(semantic_id: SemanticId) -> str:
    """Return an aspect's name as one segment of a path; different for different aspects."""
    name = f"{semantic_id.namespace}:{semantic_id.version}:{semantic_id.aspect_name}"
    return name if semantic_id.startswith("urn:samm:") else f"bamm:{name}"


def uuid_of(text: str) -> UUID | None:
    """Return the UUID of an id, with or without its scheme; None when it has another form."""
    try:
        found = UUID(text.removeprefix("urn:uuid:"))
    except ValueError:
        return None
    return found if str(found) in text.lower() else None
