"""Hand out whole models by their semantic id: what they say, their schema, their validator.

Models come from folder trees of Turtle files, an earlier tree before a later one, and ours
last. What was read once is kept in a cache folder, so that a later start need not read
Turtle: an entry counts as long as the files that it rests on, and this code, are unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import resources
from pathlib import Path
from threading import Lock

from connector.aspect.compiled import Compiled, CompiledCache
from connector.aspect.datatypes import JsonSchema
from connector.aspect.semantics import AspectModel
from connector.aspect.strict import strict_schema_of
from connector.aspect.validation import Profile, Validator
from connector.errors import DataError, Finding, SetupError
from connector.identifiers import SemanticId

_ASPECT = re.compile(
    rb"(?:(?:^|\s)[\w-]*:|<urn:[^<>\s]*#)(\w+)>?\s+(?:a|rdf:type)\s+[\w-]+:Aspect\b"
)
_NEAR_MAX = 3


def shipped_folder() -> Path:
    """Return the folder tree of the models that come with Eslabón."""
    return Path(str(resources.files("schemas"))) / "samm"


class CompiledModel:
    """One model, ready for use; its parts are made when they are first asked for."""

    def __init__(self, semantic_id: SemanticId, compiled: Compiled) -> None:
        """Take what was read of the model."""
        self.semantic_id = semantic_id
        self._compiled = compiled

    @cached_property
    def model(self) -> AspectModel:
        """What the model says: its tree of properties."""
        return self._compiled.model()

    @cached_property
    def schema(self) -> JsonSchema:
        """Its JSON Schema, draft-04."""
        return self._compiled.schema()

    @cached_property
    def _validator(self) -> Validator:
        return Validator(self.schema, lambda: self.model)

    @cached_property
    def strict(self) -> Validator:
        """Its strict profile: a validator, with the strict schema."""
        return Validator(strict_schema_of(self.model), lambda: self.model, Profile.STRICT)

    def is_valid(self, payload: object) -> bool:
        """Tell whether a payload, as JSON values, satisfies the model."""
        return self._validator.is_valid(payload)

    def findings(self, payload: object) -> list[Finding]:
        """Return one finding per mistake in a payload; none if it is valid."""
        return self._validator.findings(payload)


class ModelLibrary:
    """The models of several folder trees; each is compiled once and kept."""

    def __init__(self, folders: Sequence[Path], cache: Path | None = None) -> None:
        """Take the trees, the one that wins first, and the folder of the cache, if any."""
        self._folders = tuple(folders)
        self._cache = CompiledCache(self._folders, cache)
        self._models: dict[SemanticId, CompiledModel] = {}
        self._lock = Lock()

    def get(self, semantic_id: SemanticId) -> CompiledModel:
        """Return a model; the older spelling ``urn:bamm:`` names the same one.

        Raises:
            SetupError: no folder holds the model, or it is incomplete.

        """
        wanted = SemanticId(semantic_id.replace("urn:bamm:", "urn:samm:", 1))
        found = self._models.get(wanted)
        if found is None:
            with self._lock:
                found = self._models.get(wanted) or self._compile(wanted)
                self._models[wanted] = found
        return found

    def strict(self, semantic_id: SemanticId) -> Validator:
        """Return the strict profile of a model; raises as `get`."""
        return self.get(semantic_id).strict

    def list(self) -> list[SemanticId]:
        """Return the ids of all models in the folders, sorted."""
        return sorted(self.places())

    def places(self) -> Mapping[SemanticId, Sequence[Path]]:
        """Return the files of each model, the one that wins first."""
        found: dict[SemanticId, list[Path]] = {}
        for folder in self._folders:
            for path in sorted(folder.glob("*/*/*.ttl")):
                for semantic_id in _aspects(path):
                    found.setdefault(semantic_id, []).append(path)
        return found

    def _compile(self, semantic_id: SemanticId) -> CompiledModel:
        if not any(self._folder_exists(root, semantic_id) for root in self._folders):
            raise self._unknown(semantic_id)
        try:
            return CompiledModel(semantic_id, self._cache.get(semantic_id))
        except SetupError as error:
            if error.code.endswith("element_missing") and error.params["element"] == semantic_id:
                raise self._unknown(semantic_id) from error
            raise

    def _folder_exists(self, root: Path, semantic_id: SemanticId) -> bool:
        return (root / semantic_id.namespace / semantic_id.version).is_dir()

    def _unknown(self, semantic_id: SemanticId) -> SetupError:
        # 20 ms of import that only a misspelt URN has to pay.
        from rapidfuzz import process  # noqa: PLC0415

        near = [
            str(name) for name, *_ in process.extract(semantic_id, self.list(), limit=_NEAR_MAX)
        ]
        return SetupError(
            "aspect:model_unknown", semantic_id=semantic_id, near=", ".join(near) or "-"
        )


def _aspects(path: Path) -> list[SemanticId]:
    namespace, version = path.parts[-3:-1]
    try:
        names = [name.decode() for name in _ASPECT.findall(path.read_bytes())]
        return [SemanticId.parse(f"urn:samm:{namespace}:{version}#{name}") for name in names]
    except (DataError, OSError):  # no folder of models, or none that we may read
        return []
