"""Checks a parsed document against the schema of a dataclass, and tells every mistake.

The schema is generated from the dataclass, closed against unknown keys, and freed of null,
which TOML does not have. A document with mistakes can be mended for show: wrong values give
way to the schema's examples, so that what depends on other values can be checked as well.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path as FilePath
from typing import Generic, TypeVar, cast

import jsonschema_rs
import msgspec

from connector.errors import Severity
from connector.identifiers import Bpnl, Did, SemanticId
from connector.settings.lines import Path

Value = TypeVar("Value")
Schema = dict[str, object]

SIMILARITY_PERCENT_MIN = 60

_SAMPLES: Mapping[object, object] = {
    "date": "2027-12-31",
    "string": "text",
    "integer": 1,
    "number": 1.0,
    "boolean": True,
    "array": [],
}
_EXAMPLES: Mapping[type, str] = {
    Bpnl: "BPNL00000003CRHK",
    Did: "did:web:partner.example.com",
    SemanticId: "urn:samm:io.catenax.serial_part:3.0.0#SerialPart",
}
_RANGES = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake at a path of the document: the code of its text and that text's parameters."""

    path: Path
    code: str
    params: Mapping[str, object] = field(default_factory=dict)
    severity: Severity = Severity.ERROR


class Shape(Generic[Value]):
    """The schema of one dataclass, and the way from a document to its values."""

    def __init__(self, kind: type[Value]) -> None:
        """Take the dataclass; nothing is generated before it is needed."""
        self._kind = kind

    @cached_property
    def schema(self) -> Schema:
        """JSON Schema (draft 2020-12) of the dataclass; without unknown keys, without null."""
        schema = msgspec.json.schema(self._kind, schema_hook=_schema_of)
        for cls in _dataclasses(self._kind):
            _complete(schema["$defs"][cls.__name__], cls)
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        return cast("Schema", _without_null(schema))

    def problems(self, document: object) -> list[Problem]:
        """Return all that the schema has against the document, in the order of the document."""
        validator = jsonschema_rs.validator_for(self.schema, validate_formats=True)
        errors = validator.iter_errors(as_json(document))
        return [problem for error in errors for problem in self._explain(error)]

    def convert(self, document: object) -> Value:
        """Return the values of a document that has no problems."""
        return msgspec.convert(as_json(document), self._kind, dec_hook=_parse)

    def part(self, path: Iterable[str | int]) -> Schema:
        """Return the schema that holds at a path, empty where there is none."""
        at = self._resolved(self.schema)
        for step in path:
            inner = at.get("items") if isinstance(step, int) else _under(at, step)
            at = self._resolved(cast("Schema", inner)) if isinstance(inner, dict) else {}
        return at

    def mended(self, document: object, problems: Iterable[Problem]) -> object:
        """Return a copy without problems: examples instead of what is wrong or missing."""
        copy = as_json(document)
        for problem in problems:
            if problem.code == "settings:unknown_key":
                _remove(copy, problem.path)
            else:
                _put(copy, problem.path, self.sample(self.part(problem.path)))
        return copy

    def sample(self, schema: Schema) -> object:
        """Return a value that fits a schema: its example, its default, or the plainest one."""
        schema = self._resolved(schema)
        choices = schema.get("examples", schema.get("enum"))
        if isinstance(choices, list) and choices:
            return choices[0]
        if "default" in schema:
            return schema["default"]
        if schema.get("type") != "object":
            return _SAMPLES.get(schema.get("format", schema.get("type")), "text")
        required = cast("list[str]", schema.get("required", []))
        return {key: self.sample(cast("Schema", _under(schema, key))) for key in required}

    def _explain(self, error: jsonschema_rs.ValidationError) -> Iterator[Problem]:
        path = tuple(error.instance_path)
        kind = error.kind.as_dict()
        if error.kind.name == "additionalProperties":
            known = list(cast("Schema", self.part(path).get("properties", {})))
            for key in kind["unexpected"]:
                yield _unknown((*path, key), known)
        elif error.kind.name == "required":
            key = str(kind["property"])
            shown = _toml(self.sample(self.part((*path, key))))
            yield _problem((*path, key), "missing_key", example=shown)
        else:
            yield self._refused(path, error)

    def _refused(self, path: Path, error: jsonschema_rs.ValidationError) -> Problem:
        schema = self.part(path)
        value = _toml(error.instance)
        if error.kind.name == "enum":
            options = cast("list[object]", schema.get("enum", []))
            choices = ", ".join(_toml(option) for option in options)
            guess = nearest(str(error.instance), map(str, options))
            return _problem(path, "not_a_choice", value=value, choices=choices, suggestion=guess)
        if error.kind.name in _RANGES:
            return _problem(path, "out_of_range", value=value, limits=_limits(schema))
        if error.kind.name == "type":
            code = "wrong_type"
        else:
            code = "empty" if error.kind.name.startswith("min") else "wrong_form"
        example = self.sample(schema)
        shown = _toml([example] if path and isinstance(path[-1], int) else example)
        return _problem(path, code, value=value, example=shown)

    def _resolved(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        named = cast("dict[str, Schema]", self.schema["$defs"])[reference.rsplit("/", 1)[1]]
        return {**named, **{k: v for k, v in schema.items() if k != "$ref"}}


def as_json(value: object) -> object:
    """Return a copy as JSON has it: dates and times become their ISO 8601 text."""
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def dotted(path: Path) -> str:
    """Return a path as people write it: ``feed[0].source.folder``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was probably meant, or all of them where none is close."""
    from rapidfuzz import process  # noqa: PLC0415 - only who made a mistake waits for it

    choices = sorted(known)
    found = process.extractOne(word, choices, score_cutoff=SIMILARITY_PERCENT_MIN)
    return found[0] if found else ", ".join(choices) or "…"


def _problem(path: Path, code: str, **params: object) -> Problem:
    names = [step for step in path if isinstance(step, str)]
    shown = {"key": dotted(path), "name": names[-1] if names else "", **params}
    return Problem(path, f"settings:{code}", shown)


def _unknown(path: Path, known: Iterable[str]) -> Problem:
    return _problem(path, "unknown_key", suggestion=nearest(str(path[-1]), known))


def _under(schema: Schema, key: str) -> object:
    properties = cast("Schema", schema.get("properties", {}))
    return properties.get(key, schema.get("additionalProperties", {}))


def _limits(schema: Schema) -> str:
    least, most = (
        schema.get(k, schema.get(f"exclusive{k.title()}")) for k in ("minimum", "maximum")
    )
    return f"{'…' if least is None else least} … {'…' if most is None else most}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False, default=str)


def _schema_of(kind: type) -> Schema:
    pattern = getattr(kind, "pattern", None)
    if kind is object:
        return {"type": ["string", "number", "boolean", "array", "object"]}
    if hasattr(kind, "schema"):
        return cast("Schema", kind.schema())
    if pattern is None:
        return {"type": "string", "minLength": 1, "pattern": "^[^\\x00]*$"}
    examples = [_EXAMPLES[kind]] if kind in _EXAMPLES else []
    return {"type": "string", "pattern": f"^(?:{pattern.pattern})$", "examples": examples}


def _parse(kind: type, value: object) -> object:
    if kind is object:
        return value
    return kind.parse(value) if hasattr(kind, "parse") else kind(value)


def _dataclasses(kind: object) -> list[type]:
    """Return the dataclass and all those that its fields mention."""
    found: dict[type, None] = {}
    ahead: list[object] = [msgspec.inspect.type_info(kind)]
    while ahead:
        at = ahead.pop()
        if isinstance(at, msgspec.inspect.DataclassType) and at.cls not in found:
            found[at.cls] = None
            ahead += [f.type for f in at.fields]
        for name in ("type", "item_type", "value_type", "types"):
            inner = getattr(at, name, ())
            ahead += inner if isinstance(inner, tuple) else [inner]
    return list(found)


def _complete(schema: Schema, cls: type) -> None:
    schema["additionalProperties"] = False
    properties = cast("dict[str, Schema]", schema.get("properties", {}))
    for known in dataclasses.fields(cls):
        if known.default_factory is not dataclasses.MISSING and known.name in properties:
            value = known.default_factory()
            if isinstance(value, FilePath):
                properties[known.name]["default"] = value.as_posix()


def _without_null(schema: object) -> object:
    if isinstance(schema, list):
        return [_without_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {k: _without_null(v) for k, v in schema.items() if not (k == "default" and v is None)}
    branches = cast("list[Schema]", kept.pop("anyOf", []))
    branches = [branch for branch in branches if branch != {"type": "null"}]
    if len(branches) == 1:
        return {**branches[0], **kept}
    return {**kept, "anyOf": branches} if branches else kept


def _remove(document: object, path: Path) -> None:
    holder = _at(document, path[:-1])
    if isinstance(holder, dict):
        holder.pop(path[-1], None)


def _put(document: object, path: Path, value: object) -> None:
    holder = _at(document, path[:-1])
    if isinstance(holder, dict | list) and path:
        cast("dict[str | int, object]", holder)[path[-1]] = value


def _at(document: object, path: Path) -> object:
    at = document
    for step in path:
        if isinstance(at, dict):
            at = at.get(step)
        elif isinstance(at, list) and isinstance(step, int):
            at = at[step]
    return at
