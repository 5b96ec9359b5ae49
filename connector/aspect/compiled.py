"""Models compiled from Turtle, kept on disk under a fingerprint of all that they rest on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import resources
from pathlib import Path

import msgspec

from connector.aspect.datatypes import JsonSchema
from connector.aspect.schema import schema_of
from connector.aspect.semantics import AspectModel
from connector.identifiers import SemanticId

# What decides how Turtle becomes a model and a schema; a change of these files ends old entries.
_MAKERS = ("semantics.py", "datatypes.py", "schema.py", "compiled.py", "samm/*.py")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A model and its JSON Schema, each as JSON until it is asked for."""

    model_json: bytes | memoryview
    schema_json: bytes | memoryview

    def model(self) -> AspectModel:
        """Return what the model says."""
        return _MODEL.decode(self.model_json)

    def schema(self) -> JsonSchema:
        """Return the JSON Schema, draft-04."""
        schema: JsonSchema = msgspec.json.decode(self.schema_json)
        return schema


class _Head(msgspec.Struct):
    """The first line of a file of the cache: the folders that the model rests on.

    Schema and model follow, a line each; neither is looked through before it is asked for.
    """

    fingerprint: str
    folders: list[str]
    schema_length: int
    model_length: int


class CompiledCache:
    """Compiled models, from the cache folder where it is fresh and from Turtle where not."""

    def __init__(self, roots: Sequence[Path], cache: Path | None) -> None:
        """Take the folder trees, the one that wins first, and the cache folder, if any."""
        self._roots = tuple(roots)
        self._cache = cache

    def get(self, semantic_id: SemanticId) -> Compiled:
        """Return a model, compiled now or before.

        Raises:
            SetupError: the model is not there, or it is incomplete.

        """
        return self._kept(semantic_id) or self._compile(semantic_id)

    def _kept(self, semantic_id: SemanticId) -> Compiled | None:
        path = self._path(semantic_id)
        if path is None:
            return None
        try:
            content = path.read_bytes()
            start = content.index(b"\n") + 1
            head = msgspec.json.decode(content[:start], type=_Head)
        except (OSError, ValueError, msgspec.DecodeError):
            return None
        end = start + head.schema_length
        is_whole = len(content) == end + 1 + head.model_length
        if not is_whole or head.fingerprint != self._fingerprint(head.folders):
            return None
        parts = memoryview(content)
        return Compiled(parts[end + 1 :], parts[start:end])

    def _compile(self, semantic_id: SemanticId) -> Compiled:
        model, files = self._read(semantic_id)
        schema = msgspec.json.encode(schema_of(model))
        compiled = Compiled(msgspec.json.encode(model, enc_hook=str), schema)
        self._keep(semantic_id, sorted({"/".join(path.parts[-3:-1]) for path in files}), compiled)
        return compiled

    @cached_property
    def _read(self) -> Callable[[SemanticId], tuple[AspectModel, tuple[Path, ...]]]:
        # A start that finds its models in the cache is spared rdflib: 80 ms.
        from connector.aspect.samm.folders import ModelFolders  # noqa: PLC0415
        from connector.aspect.samm.reader import read_model  # noqa: PLC0415

        return partial(read_model, folders=ModelFolders(self._roots))

    def _keep(self, semantic_id: SemanticId, folders: list[str], compiled: Compiled) -> None:
        path = self._path(semantic_id)
        if path is None:
            return
        schema, model = compiled.schema_json, compiled.model_json
        head = _Head(self._fingerprint(folders), folders, len(schema), len(model))
        unfinished = path.with_suffix(f".{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(b"\n".join((msgspec.json.encode(head), schema, model)))
            unfinished.replace(path)
        except OSError:  # without a cache everything works, only the next start is slower
            return

    def _path(self, semantic_id: SemanticId) -> Path | None:
        name = hashlib.sha256(semantic_id.encode()).hexdigest()[:32]
        return self._cache / f"{semantic_id.aspect_name}-{name}.jsonl" if self._cache else None

    def _fingerprint(self, folders: Sequence[str]) -> str:
        """Return a hash of all files that could hold an element of these folders."""
        digest = hashlib.sha256(self._maker)
        for folder in folders:
            for root in self._roots:
                for path in _turtle_files(f"{root}/{folder}"):
                    digest.update(path.encode())
                    digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
        return digest.hexdigest()

    @cached_property
    def _maker(self) -> bytes:
        return hashlib.sha256(b"".join(_maker_sources())).digest()


def _turtle_files(folder: str) -> list[str]:
    try:
        # Three times as fast as a glob, and this is most of a start from the cache.
        names = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []
    return sorted(f"{folder}/{name}" for name in names if name.endswith(".ttl"))


def _maker_sources() -> Iterator[bytes]:
    room = Path(str(resources.files("connector.aspect")))
    for name in _MAKERS:
        for path in sorted(room.glob(name)):
            yield path.read_bytes()


def _revived(wanted: type, value: object) -> object:
    """Return an identifier that was checked before it was kept."""
    return wanted(value)


_MODEL = msgspec.json.Decoder(AspectModel, dec_hook=_revived)
