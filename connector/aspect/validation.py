"""Judge payloads by a JSON Schema: fast on the way, in words where something is wrong.

Two engines share the work: jsonschema-rs decides, jsonschema says what is wrong. A property
test holds them together. Formats are asserted by the strict profile alone: the published
schemas do not ask for it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import jsonschema_rs

from connector.aspect.datatypes import JsonSchema
from connector.aspect.lexical import FORMATS
from connector.aspect.limits import LIMITS, Limit
from connector.aspect.semantics import AspectModel
from connector.errors import Finding


class Profile(StrEnum):
    """How exactly payloads are judged: as the published schemas do, or as the models mean."""

    OFFICIAL = "official"
    STRICT = "strict"


class _Engine(Protocol):
    def is_valid(self, instance: object) -> bool: ...


class Validator:
    """Judges payloads by one schema; made once per model and used from any thread."""

    def __init__(
        self,
        schema: JsonSchema,
        model: Callable[[], AspectModel],
        profile: Profile = Profile.OFFICIAL,
    ) -> None:
        """Take schema and profile, and the way to the model, asked only to explain a mistake."""
        self.schema = schema
        self._model = model
        self._profile = profile
        self._engine = _engine(schema, profile)

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

        strict = self._profile is Profile.STRICT
        return explain(payload, self.schema, self._model(), strict=strict)


def _engine(schema: JsonSchema, profile: Profile) -> _Engine:
    strict = profile is Profile.STRICT
    try:
        if not strict:
            return jsonschema_rs.Draft4Validator(schema, validate_formats=False)
        return jsonschema_rs.Draft4Validator(
            schema, validate_formats=True, formats=dict(FORMATS), keywords=_KEYWORDS
        )
    except jsonschema_rs.ValidationError:
        # A regular expression beyond ECMA 262: legal in SAMM, and Python may know it.
        from connector.aspect.explanation import draft_04  # noqa: PLC0415

        return draft_04(schema, strict=strict)


def _keyword(limit: Limit) -> type[jsonschema_rs.KeywordValidator]:
    """Return a limit of ours as jsonschema-rs wants keywords: a class that raises."""

    class Keyword:
        def __init__(
            self, _parent: dict[str, object], demand: object, _path: list[str | int]
        ) -> None:
            self._demand = demand

        def validate(self, instance: object) -> None:
            if limit(self._demand, instance):
                raise ValueError

    return Keyword


_KEYWORDS = {name: _keyword(limit) for name, limit in LIMITS.items()}
