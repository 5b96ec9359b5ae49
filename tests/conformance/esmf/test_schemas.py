"""Our schemas against those of the official generator: the same meaning, model by model.

The models are all that we ship, our own ones for what Catena-X does not use (tests/models),
and random ones. ``ESLABON_SEED`` chooses others of the last kind, ``ESLABON_RANDOM_MODELS``
how many.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from connector.aspect.library import ModelLibrary, shipped_folder
from connector.identifiers import SemanticId
from tests.conformance import java
from tests.conformance.esmf import official
from tests.conformance.esmf.random_models import write_models
from tests.unit.aspect.schema_comparison import differences

pytestmark = pytest.mark.conformance

OWN = java.REPOSITORY / "tests" / "models"
RANDOM = official.FOLDER / "random"
SEED = int(os.environ.get("ESLABON_SEED", "1"))
RANDOM_COUNT = int(os.environ.get("ESLABON_RANDOM_MODELS", "60"))
# Where the official generator is at fault, and how.
FAULTS = {
    "urn:samm:org.example.binary:1.0.0#Binary": "writes addresses of Java arrays, [B@4955f300",
}

SHIPPED_IDS = ModelLibrary([shipped_folder()]).list()
OWN_IDS = ModelLibrary([OWN]).list()
RANDOM_IDS = [
    SemanticId(f"urn:samm:org.example.random{number}:1.0.0#Thing")
    for number in range(RANDOM_COUNT)
]


@pytest.fixture(scope="module")
def outcomes() -> Mapping[SemanticId, official.Outcome]:
    """Run the official generator once over all models."""
    if reason := official.lacking():
        pytest.skip(reason)
    shutil.rmtree(RANDOM, ignore_errors=True)
    write_models(RANDOM, SEED, RANDOM_COUNT)
    kinds = ((shipped_folder(), SHIPPED_IDS), (OWN, OWN_IDS), (RANDOM, RANDOM_IDS))
    return official.generate([(root, urn) for root, ids in kinds for urn in ids])


def _compared(root: Path, urn: SemanticId, official_one: official.Outcome) -> list[str]:
    return differences(ModelLibrary([root]).get(urn).schema, official_one.schema())


@pytest.mark.parametrize("urn", SHIPPED_IDS)
def test_a_shipped_model_means_the_same_to_the_official_generator(
    urn: SemanticId, outcomes: Mapping[SemanticId, official.Outcome]
) -> None:
    assert [] == _compared(shipped_folder(), urn, outcomes[urn])


@pytest.mark.parametrize("urn", [urn for urn in OWN_IDS if urn not in FAULTS])
def test_a_model_of_rare_constructs_means_the_same_to_the_official_generator(
    urn: SemanticId, outcomes: Mapping[SemanticId, official.Outcome]
) -> None:
    assert [] == _compared(OWN, urn, outcomes[urn])


@pytest.mark.parametrize("urn", FAULTS)
def test_a_fault_of_the_official_generator_is_still_one(
    urn: SemanticId, outcomes: Mapping[SemanticId, official.Outcome]
) -> None:
    assert [] != _compared(OWN, urn, outcomes[urn])


@pytest.mark.parametrize("urn", [pytest.param(u, id=f"seed{SEED}-{u}") for u in RANDOM_IDS])
def test_a_random_model_means_the_same_to_the_official_generator(
    urn: SemanticId, outcomes: Mapping[SemanticId, official.Outcome]
) -> None:
    assert [] == _compared(RANDOM, urn, outcomes[urn])
