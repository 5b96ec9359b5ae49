"""Small models written as Turtle, and the published cases where they are at hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector.aspect.samm.folders import ModelFolders
from connector.aspect.samm.reader import read_model
from connector.aspect.semantics import AspectModel
from connector.identifiers import SemanticId

PREFIXES = """
@prefix samm: <urn:samm:org.eclipse.esmf.samm:meta-model:2.1.0#> .
@prefix samm-c: <urn:samm:org.eclipse.esmf.samm:characteristic:2.1.0#> .
@prefix samm-e: <urn:samm:org.eclipse.esmf.samm:entity:2.1.0#> .
@prefix unit: <urn:samm:org.eclipse.esmf.samm:unit:2.1.0#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
THING = SemanticId("urn:samm:org.example.thing:1.0.0#Thing")


def write_turtle(root: Path, body: str, *, name: str = "Thing", folder: str = "") -> Path:
    """Write a file of the model ``org.example.thing`` or of another folder."""
    namespace, _, version = (folder or "org.example.thing/1.0.0").partition("/")
    path = root / namespace / version / f"{name}.ttl"
    path.parent.mkdir(parents=True, exist_ok=True)
    own = f"@prefix : <urn:samm:{namespace}:{version}#> .\n"
    path.write_text(f"{PREFIXES}{own}{body}", encoding="utf-8")
    return path


def thing(characteristic: str, more: str = "") -> str:
    """Return the Turtle of an aspect with one property ``value``."""
    return f"""
    :Thing a samm:Aspect ; samm:properties ( :value ) .
    :value a samm:Property ; samm:characteristic {characteristic} .
    {more}
    """


def read_thing(root: Path, body: str) -> AspectModel:
    """Write a model and read it."""
    write_turtle(root, body)
    return read_model(THING, ModelFolders([root]))[0]


@dataclass(frozen=True)
class Case:
    """One published model with its schema, payload and edited payloads."""

    folder: Path
    facts: dict[str, Any]

    def __str__(self) -> str:
        return str(self.facts["id"])

    @property
    def semantic_id(self) -> SemanticId:
        return SemanticId(self.facts["aspectUrn"])

    @property
    def schema(self) -> dict[str, Any]:
        return self._json("schema")

    @property
    def payload(self) -> dict[str, Any]:
        return self._json("payload")

    def mutants(self) -> Iterator[tuple[Any, bool]]:
        """Yield edited payloads, each with the verdict of the published schema."""
        payload = self.payload
        for line in (self.folder / self.facts["mutantsFile"]).read_text().splitlines():
            edit = json.loads(line)
            yield _edited(deepcopy(payload), edit), edit["valid"]

    def _json(self, key: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / self.facts[key]).read_text())
        return content


def published_folder() -> Path | None:
    """Return the folder of published cases, None where there is none."""
    named = os.environ.get("ESLABON_SEMANTIC_MODELS")
    return Path(named) if named else None


def published_cases() -> list[Any]:
    """Return the published cases as parameters; a skipped one where there are none."""
    folder = published_folder()
    if folder is None:
        reason = "set ESLABON_SEMANTIC_MODELS to the folder of published models"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="unset")]
    cases = json.loads((folder / "cases.json").read_text())["cases"]
    return [pytest.param(Case(folder, facts), id=facts["id"]) for facts in cases]


def _edited(payload: Any, edit: dict[str, Any]) -> Any:
    if not edit["path"]:
        return edit.get("value")
    *way, last = edit["path"]
    at = payload
    for step in way:
        at = at[step]
    if edit["op"] == "remove":
        del at[last]
    else:
        at[last] = edit["value"]
    return payload
