"""Find every mistake of a payload once: the slow engine, asked only when the fast one says no."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from connector.aspect.datatypes import JsonSchema
from connector.aspect.patterns import matches
from connector.aspect.semantics import AspectModel
from connector.aspect.wording import Mistake, findings_of
from connector.errors import Finding, SetupError

_FINDINGS_MAX = 100
_ERRORS_MAX = 1000

# Where one value breaks several rules, the first of these says what the others follow from.
_ORDER = ("type", "enum", "oneOf", "required", "additionalProperties", "minLength", "pattern")


def explain(payload: object, schema: JsonSchema, model: AspectModel) -> list[Finding]:
    """Return a finding per mistake in an invalid payload, at most a hundred."""
    try:
        errors = list(islice(draft_04(schema).iter_errors(payload), _ERRORS_MAX))
    except RecursionError:
        return [Finding("aspect:value_too_deep")]
    mistakes = _one_per_value(_mistake(error) for error in errors)
    findings = (finding for mistake in mistakes for finding in findings_of(mistake, model))
    # The deciding engine is stricter where a value is no JSON at all, such as NaN.
    return list(islice(findings, _FINDINGS_MAX)) or [Finding("aspect:value_no_json")]


def draft_04(schema: JsonSchema) -> Draft4Validator:
    """Return jsonschema's validator, with patterns as ECMA 262 means them."""
    validator: Draft4Validator = _Draft04(schema)
    return validator


def _pattern(
    validator: object,  # noqa: ARG001 - jsonschema calls every keyword with four arguments
    pattern: str,
    instance: object,
    schema: object,  # noqa: ARG001
) -> Iterator[ValidationError]:
    try:
        if isinstance(instance, str) and not matches(pattern, instance):
            yield ValidationError(pattern)
    except re.error as error:
        raise SetupError("aspect:schema_pattern_broken", pattern=pattern, why=error) from error


_Draft04 = extend(Draft4Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def _mistake(error: ValidationError) -> Mistake:
    return Mistake(
        str(error.validator),
        error.validator_value,
        error.schema if isinstance(error.schema, dict) else {},
        error.instance,
        tuple(error.absolute_path),
    )


def _one_per_value(mistakes: Iterable[Mistake]) -> list[Mistake]:
    chosen: dict[tuple[object, ...], Mistake] = {}
    for mistake in mistakes:
        # What an object lacks is a mistake of its own beside what is wrong with the object.
        lacks = tuple(mistake.demanded) if mistake.rule == "required" else ()
        key = (mistake.path, lacks)
        if key not in chosen or _weight(mistake) < _weight(chosen[key]):
            chosen[key] = mistake
    return list(chosen.values())


def _weight(mistake: Mistake) -> int:
    return _ORDER.index(mistake.rule) if mistake.rule in _ORDER else len(_ORDER)
