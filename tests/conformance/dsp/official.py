"""The official schemas and contexts of the protocol, out of the jars of its test kit."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import orjson
from jsonschema import Draft201909Validator
from referencing import Registry, Resource

from tests.conformance import java

HERE = Path(__file__).parent
FOLDER = java.BUILD / "dsp"
KIT_JARS = "dsp-*.jar"
EXPAND_SECONDS = 120

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Schemas:
    """One schema for each type of message that has one, the version of the kit's jars."""

    by_type: Mapping[str, Draft201909Validator]

    def objections(self, message: Json) -> list[str]:
        """Return what a message offends against; raises `KeyError` for a type without schema."""
        errors = self.by_type[str(message["@type"])].iter_errors(message)
        return [f"{error.json_path}: {error.message}" for error in errors]


def jars() -> Path:
    """Return the folder with the kit's jars, fetched if they are not there yet."""
    return java.jars_of(HERE / "pom.xml", FOLDER)


def schemas() -> Schemas:
    """Read all schemas of messages that lie in the kit's jars."""
    documents = list(_schemas_in(jars()))
    found = [(doc["$id"], Resource.from_contents(doc)) for doc in documents]
    registry = Registry().with_resources(found)
    by_type = {
        doc["title"].removesuffix("Schema"): Draft201909Validator(doc, registry=registry)
        for doc in documents
    }
    return Schemas(by_type)


def expanded(messages: Sequence[Json]) -> list[Json]:
    """Return messages as JSON-LD expands them, with the official contexts alone."""
    argv = ("nice", "-n", "5", "java", "-cp", f"{jars()}/*", str(HERE / "Expand.java"))
    lines = b"\n".join(orjson.dumps(message) for message in messages)
    done = subprocess.run(
        argv, input=lines, stdout=subprocess.PIPE, check=True, timeout=EXPAND_SECONDS
    )
    return [orjson.loads(line)[0] for line in done.stdout.splitlines()]


def _schemas_in(folder: Path) -> Iterator[dict[str, str]]:
    for jar in sorted(folder.glob(KIT_JARS)):
        with ZipFile(jar) as archive:
            names = [name for name in archive.namelist() if name.endswith("-schema.json")]
            yield from (json.loads(archive.read(name)) for name in names)
