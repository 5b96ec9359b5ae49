"""Judge payloads by a JSON Schema: fast on the way, in words where something is wrong.

Two engines share the work: jsonschema-rs decides, jsonschema says what is wrong. A property
test holds them together. Formats are not asserted: the published schemas do not ask for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import jsonschema_rs

from connector.aspect.datatypes import JsonSchema
from connector.aspect.semantics import AspectModel
from connector.errors import Finding


class _Engine(Protocol):
    def is_valid(self, instance: object) -> bool: ...


class Validator:
    """Judges payloads by one schema; made once per model and used from any thread."""

    def __init__(self, schema: JsonSchema, model: Callable[[], AspectModel]) -> None:
        """Take the schema, and the way to the model, asked only to explain a mistake."""
        self._schema = schema
        self._model = model
        self._engine = _engine(schema)

    def is_valid(self, payload: object) -> bool:
        """Tell whether a payload, as JSON values, satisfies the schema."""
        try:
            return self._engine.is_valid(payload)
        except ValueError:  # a key that is no text, or nesting beyond what the engine takes
            return False

    def findings(self, payload: object) -> list[Finding]:
        """Return one finding per mistake in a payload, at most a hundred; none if it is valid."""
        if self.is_valid(payload):
            return []
        # 100 ms of import that only a payload with a mistake has to pay.
        from connector.aspect.explanation import explain  # noqa: PLC0415

        return explain(payload, self._schema, self._model())


def _engine(schema: JsonSchema) -> _Engine:
    try:
        return jsonschema_rs.Draft4Validator(schema, validate_formats=False)
    except jsonschema_rs.ValidationError:
        # A regular expression beyond ECMA 262: legal in SAMM, and Python may know it.
        from connector.aspect.explanation import draft_04  # noqa: PLC0415

        return draft_04(schema)
