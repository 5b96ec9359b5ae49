"""Find every mistake of a payload once: the slow engine, asked only when the fast one says no."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from connector.aspect.datatypes import JsonSchema
from connector.aspect.lexical import FORMATS
from connector.aspect.limits import LIMITS, Limit
from connector.aspect.patterns import matches
from connector.aspect.semantics import AspectModel
from connector.aspect.wording import Mistake, findings_of
from connector.errors import Finding, SetupError

_FINDINGS_MAX = 100
_ERRORS_MAX = 1000

# Where one value breaks several rules, the first of these says what the others follow from.
_ORDER = (
    "type",
    "enum",
    "oneOf",
    "required",
    "additionalProperties",
    "minLength",
    "pattern",
    "format",
)


def explain(
    payload: object, schema: JsonSchema, model: AspectModel, *, strict: bool = False
) -> list[Finding]:
    """Return a finding per mistake in an invalid payload, at most a hundred."""
    engine = draft_04(schema, strict=strict)
    try:
        errors = list(islice(engine.iter_errors(payload), _ERRORS_MAX))
    except RecursionError:
        return [Finding("aspect:value_too_deep")]
    mistakes = _one_per_value(_mistake(error) for error in errors)
    findings = (finding for mistake in mistakes for finding in findings_of(mistake, model))
    # The deciding engine is stricter where a value is no JSON at all, such as NaN.
    return list(islice(findings, _FINDINGS_MAX)) or [Finding("aspect:value_no_json")]


def draft_04(schema: JsonSchema, *, strict: bool = False) -> Draft4Validator:
    """Return jsonschema's validator, with patterns as ECMA 262 means them.

    A strict one asserts formats, and knows the keywords of the strict form.
    """
    validator: Draft4Validator = (_Strict if strict else _Draft04)(schema)
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


def _format(
    validator: object,  # noqa: ARG001
    name: str,
    instance: object,
    schema: object,  # noqa: ARG001
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and name in FORMATS and not FORMATS[name](instance):
        yield ValidationError(name)


def _multiple_of(
    validator: object,  # noqa: ARG001
    divisor: int,
    instance: object,
    schema: object,  # noqa: ARG001
) -> Iterator[ValidationError]:
    # jsonschema divides; a number beyond any float, or as large as one gets, breaks that.
    if isinstance(instance, float) and instance % divisor:
        yield ValidationError(str(divisor))


def _keyword(limit: Limit) -> Callable[..., Iterator[ValidationError]]:
    def check(
        _validator: object, demand: object, instance: object, _schema: object
    ) -> Iterator[ValidationError]:
        if limit(demand, instance):
            yield ValidationError(str(demand))

    return check


_Draft04 = extend(Draft4Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
_Strict = extend(  # type: ignore[no-untyped-call]
    _Draft04,
    {
        "format": _format,
        "multipleOf": _multiple_of,
        **{name: _keyword(limit) for name, limit in LIMITS.items()},
    },
)


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
        # What an object lacks is a mistake of its own beside what is wrong with the object,
        # and so are the keys that it should not have.
        lacks = tuple(mistake.demanded) if mistake.rule == "required" else ()
        key = (mistake.path, lacks, mistake.is_warning)
        if key not in chosen or _weight(mistake) < _weight(chosen[key]):
            chosen[key] = mistake
    return list(chosen.values())


def _weight(mistake: Mistake) -> int:
    return _ORDER.index(mistake.rule) if mistake.rule in _ORDER else len(_ORDER)
