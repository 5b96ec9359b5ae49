"""Word a mistake in a payload for the people at a plant: what, why, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from connector.aspect.limits import FRACTION_DIGITS, WHOLE_DIGITS
from connector.aspect.patterns import as_written, choices, matches, what_is_asked, zone_is_missing
from connector.aspect.semantics import AspectModel
from connector.errors import Finding, Severity

_VALUE_CHARACTERS_MAX = 60
_CHOICES_MAX = 12

# A schema names here those of its keywords whose breach is only risky.
WARNINGS = "x-eslabon-warnings"
# Beside it stands that the keys of an object are languages.
LANGUAGES = "x-eslabon-languages"

_Path = tuple[str | int, ...]
_Worded = tuple[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One broken rule: a keyword of JSON Schema, its demand, and the value at a path."""

    rule: str
    demand: object
    schema: Mapping[str, object]
    value: object
    path: _Path

    @property
    def demanded(self) -> Sequence[object]:
        """What the rule lists, empty where it lists nothing."""
        return self.demand if isinstance(self.demand, list) else ()

    @property
    def is_warning(self) -> bool:
        """Whether the schema calls it risky only."""
        risky = self.schema.get(WARNINGS)
        return isinstance(risky, list) and self.rule in risky


def findings_of(mistake: Mistake, model: AspectModel) -> Iterator[Finding]:
    """Yield the findings of a mistake: one, but one per name where properties are missing."""
    if mistake.rule == "required":
        yield from _missing(mistake, model)
        return
    code, params = _WORDINGS.get(mistake.rule, _other)(mistake)
    if code == _PATTERN and (example := _example(mistake, model)):
        code, params = "aspect:value_pattern_example", {**params, "example": example}
    found = _finding(code, mistake.path, model, value=shortened(mistake.value), **params)
    yield replace(found, severity=Severity.WARNING) if mistake.is_warning else found


def shortened(value: object) -> str:
    """Return a value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    cut = len(text) > _VALUE_CHARACTERS_MAX
    return f"{text[:_VALUE_CHARACTERS_MAX]}…" if cut else text


def pointer(path: _Path) -> str:
    """Return a path as JSON pointer (RFC 6901)."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "".join(f"/{step}" for step in steps)


def _missing(mistake: Mistake, model: AspectModel) -> Iterator[Finding]:
    present = mistake.value if isinstance(mistake.value, dict) else {}
    for name in mistake.demanded:
        if name not in present:
            yield _finding("aspect:value_missing", (*mistake.path, str(name)), model)


def _finding(code: str, path: _Path, model: AspectModel, **params: object) -> Finding:
    semantic_id = model.semantic_id
    about = {
        "name": _name(path),
        "model": f"{semantic_id.aspect_name} {semantic_id.version}",
    }
    return Finding(code, {**about, **params}, path=pointer(path))


def _name(path: _Path) -> str:
    """Return a path as people write it: ``localIdentifiers[0].key``, counted from 0."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".") or "payload"


def _example(mistake: Mistake, model: AspectModel) -> str:
    """Return the model's own example of the value, empty if it has none that is valid."""
    found = model.property_at(tuple(step for step in mistake.path if isinstance(step, str)))
    example = str(found.example) if found and found.example is not None else ""
    return example if example and matches(str(mistake.demand), example) else ""


def _type(mistake: Mistake) -> _Worded:
    if mistake.value is None:
        return "aspect:value_null", {}
    return _TYPES.get(str(mistake.demand), "aspect:value_no_json"), {}


def _enum(mistake: Mistake) -> _Worded:
    if len(mistake.demanded) == 1:
        return "aspect:value_not_the_one", {"allowed": shortened(mistake.demanded[0])}
    return "aspect:value_not_listed", {"allowed": _listed(mistake.demanded)}


def _listed(values: Sequence[object]) -> str:
    shown = [str(value) for value in values[:_CHOICES_MAX]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f", … (+{more})" if more > 0 else "")


def _pattern(mistake: Mistake) -> _Worded:
    pattern, text = as_written(str(mistake.demand)), str(mistake.value)
    if not text:
        return _EMPTY, {}
    if zone_is_missing(pattern, text):
        return "aspect:value_without_zone", {"example": f"{text}Z"}
    names = [step for step in mistake.path if isinstance(step, str)]
    return _form(pattern, names[-1] if names else "")


def _form(pattern: str, name: str) -> _Worded:
    if words := choices(pattern):
        return "aspect:value_not_listed", {"allowed": _listed(words)}
    asked = what_is_asked(pattern)
    if asked and asked.named in name.lower():
        return asked.code, {"example": asked.example}
    return _PATTERN, {"pattern": pattern}


def _least(mistake: Mistake) -> _Worded:
    excluded = mistake.schema.get("exclusiveMinimum") is True
    code = "aspect:value_not_over" if excluded else "aspect:value_under"
    return code, {"bound": mistake.demand}


def _most(mistake: Mistake) -> _Worded:
    excluded = mistake.schema.get("exclusiveMaximum") is True
    code = "aspect:value_not_under" if excluded else "aspect:value_over"
    return code, {"bound": mistake.demand}


def _too_short(mistake: Mistake) -> _Worded:
    if mistake.value == "":
        return _EMPTY, {}
    return "aspect:value_too_short", {"bound": mistake.demand}


def _either(mistake: Mistake) -> _Worded:
    if "properties" in mistake.schema:
        return "aspect:value_either", {}
    named = [
        str(option.get("$ref", "")) for option in mistake.demanded if isinstance(option, dict)
    ]
    return "aspect:value_not_listed", {"allowed": _listed([n.rpartition("/")[2] for n in named])}


def _unknown(mistake: Mistake) -> _Worded:
    known = mistake.schema.get("properties")
    known_names = list(known) if isinstance(known, dict) else []
    present = list(mistake.value) if isinstance(mistake.value, dict) else []
    if LANGUAGES in mistake.schema:
        tag = str(mistake.schema[LANGUAGES])
        wrong = [name for name in present if not matches(tag, str(name))]
        return "aspect:value_no_language", {"extra": _listed(wrong)}
    extra = [name for name in present if name not in known_names]
    if mistake.is_warning:
        return "aspect:value_unread", {"extra": _listed(extra), "known": _listed(known_names)}
    return "aspect:value_unknown", {"extra": _listed(extra), "allowed": _listed(known_names)}


def _few(mistake: Mistake) -> _Worded:
    code = "aspect:value_list_empty" if mistake.is_warning else "aspect:value_too_few"
    return code, {"bound": mistake.demand}


def _format(mistake: Mistake) -> _Worded:
    code, example = _FORMATS.get(str(mistake.demand), ("aspect:value_no_such_day", ""))
    return code, {"example": example}


def _other(mistake: Mistake) -> _Worded:
    code = _BOUNDED.get(mistake.rule, "aspect:value_no_json")
    return code, {"bound": mistake.demand}


_EMPTY = "aspect:value_empty"
_PATTERN = "aspect:value_pattern"
_TYPES: Mapping[str, str] = {
    "object": "aspect:value_no_object",
    "array": "aspect:value_no_list",
    "string": "aspect:value_no_text",
    "number": "aspect:value_no_number",
    "boolean": "aspect:value_no_boolean",
}
_BOUNDED: Mapping[str, str] = {
    "maxLength": "aspect:value_too_long",
    "formatMinimum": "aspect:value_too_early",
    "formatExclusiveMinimum": "aspect:value_too_early",
    "formatMaximum": "aspect:value_too_late",
    "formatExclusiveMaximum": "aspect:value_too_late",
    "multipleOf": "aspect:value_not_whole",
    FRACTION_DIGITS: "aspect:value_decimals",
    WHOLE_DIGITS: "aspect:value_digits",
    "minProperties": _EMPTY,
    "maxItems": "aspect:value_too_many",
    "uniqueItems": "aspect:value_repeated",
}
_FORMATS: Mapping[str, tuple[str, str]] = {
    "date": ("aspect:value_no_date", "2026-03-17"),
    "date-time": ("aspect:value_no_datetime", "2026-03-17T06:12:09Z"),
    "time": ("aspect:value_no_time", "06:12:09Z"),
    "duration": ("aspect:value_no_duration", "P1DT12H"),
    "uri": ("aspect:value_no_uri", "https://example.com/manual.pdf"),
    "xsd:base64Binary": ("aspect:value_no_base64", "RXNsYWLDs24="),
}
_WORDINGS: Mapping[str, Callable[[Mistake], _Worded]] = {
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _least,
    "maximum": _most,
    "minLength": _too_short,
    "oneOf": _either,
    "additionalProperties": _unknown,
    "minItems": _few,
    "format": _format,
}
