"""What JSON Schema demands of each SAMM datatype, as the official generator has it.

An integer is a ``number`` there: 1.5 passes for xsd:integer. Patterns are those of XSD 1.1
part 2 (section 3.3, lexical forms), and are not anchored.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.aspect.semantics import KIND_BY_DATATYPE, Kind

JsonSchema = dict[str, object]

_ZONE = r"(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_YEAR = r"-?([1-9][0-9]{3,}|0[0-9]{3})"
_MONTH = r"(0[1-9]|1[0-2])"
_DAY = r"(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?|(24:00:00(\.0+)?))"

PATTERNS: Mapping[str, str] = {
    "xsd:dateTime": f"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE}",
    "xsd:gYear": _YEAR + _ZONE,
    "xsd:gMonth": f"--{_MONTH}{_ZONE}",
    "xsd:gDay": f"---{_DAY}{_ZONE}",
    "xsd:gYearMonth": f"{_YEAR}-{_MONTH}{_ZONE}",
    "xsd:yearMonthDuration": "-?P[0-9]+(Y([0-9]+M)?|M)",
    "xsd:dayTimeDuration": "[^YM]*[DT].*",
    "xsd:hexBinary": "([0-9a-fA-F])([0-9a-fA-F])*",
    "samm:curie": "[a-zA-Z]*:[a-zA-Z]+",
}
_FORMATS: Mapping[str, str] = {
    "xsd:date": "date",
    "xsd:time": "time",
    "xsd:dateTimeStamp": "date-time",
    "xsd:duration": "duration",
    "xsd:anyURI": "uri",
}
_BOUNDS: Mapping[str, JsonSchema] = {
    **{
        name: {"minimum": -(2 ** (bits - 1)), "maximum": 2 ** (bits - 1) - 1}
        for name, bits in (("xsd:byte", 8), ("xsd:short", 16), ("xsd:int", 32), ("xsd:long", 64))
    },
    **{
        f"xsd:unsigned{name}": {"minimum": 0, "maximum": 2**bits - 1}
        for name, bits in (("Byte", 8), ("Short", 16), ("Int", 32), ("Long", 64))
    },
    "xsd:positiveInteger": {"minimum": 1},
    "xsd:nonNegativeInteger": {"minimum": 0},
    "xsd:negativeInteger": {"maximum": -1},
    "xsd:nonPositiveInteger": {"maximum": 0},
}
_TYPES: Mapping[Kind, str] = {
    Kind.NUMBER: "number",
    Kind.INTEGER: "number",
    Kind.BOOLEAN: "boolean",
    Kind.LANGUAGE_STRING: "object",
}


def json_type(datatype: str) -> str:
    """Return the JSON type of a datatype."""
    return _TYPES.get(KIND_BY_DATATYPE.get(datatype, Kind.STRING), "string")


def scalar_schema(datatype: str) -> JsonSchema:
    """Return the JSON Schema of a scalar datatype such as ``xsd:decimal``."""
    schema: JsonSchema = {"type": json_type(datatype), **_BOUNDS.get(datatype, {})}
    if datatype in _FORMATS:
        schema["format"] = _FORMATS[datatype]
    if datatype in PATTERNS:
        schema["pattern"] = PATTERNS[datatype]
    return schema
