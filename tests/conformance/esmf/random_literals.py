"""The values and constraints of random models: for each datatype, literals that are of it."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

BUILT_IN = (
    *("Timestamp", "Text", "MultiLanguageText", "Boolean", "Locale", "Language"),
    *("UnitReference", "ResourcePath", "MimeType"),
)

# In order where a datatype has one: the first bound of a range is the lower one.
SAMPLES: Mapping[str, tuple[str, ...]] = {
    "xsd:string": ("a", "b c", "ñandú", "x-1", ""),
    "xsd:boolean": ("true", "false"),
    "xsd:decimal": ("-2.50", "0", "0.1", "1.0", "12345678901234567890.5"),
    "xsd:integer": ("-7", "0", "3", "12345678901234567890"),
    "xsd:float": ("-1.5", "0.1", "1.0", "3.14159265", "16777217", "2147483647", "1.0E10"),
    "xsd:double": ("-1.0E-7", "0.1", "1", "123456789.125", "1.5E300"),
    "xsd:byte": ("-128", "0", "5"),
    "xsd:short": ("-300", "1", "300"),
    "xsd:int": ("-70000", "1", "2147483647"),
    "xsd:long": ("-5000000000", "1", "9223372036854775807"),
    "xsd:unsignedByte": ("0", "255"),
    "xsd:unsignedShort": ("1", "65535"),
    "xsd:unsignedInt": ("1", "4294967295"),
    "xsd:unsignedLong": ("1", "18446744073709551615"),
    "xsd:positiveInteger": ("1", "99"),
    "xsd:nonNegativeInteger": ("0", "99"),
    "xsd:negativeInteger": ("-99", "-1"),
    "xsd:nonPositiveInteger": ("-99", "0"),
    "xsd:date": ("2020-01-31", "2026-11-22Z"),
    "xsd:time": ("08:00:00", "18:30:00.5Z"),
    "xsd:dateTime": ("2020-01-01T00:00:00Z", "2026-11-22T08:00:00.123-06:00"),
    "xsd:dateTimeStamp": ("2020-01-01T00:00:00Z", "2026-11-22T08:00:00-06:00"),
    "xsd:duration": ("PT5M", "P1Y2M3DT4H"),
    "xsd:yearMonthDuration": ("P1M", "P2Y3M"),
    "xsd:dayTimeDuration": ("PT5M", "P3DT4H"),
    "xsd:gYear": ("1999", "2026"),
    "xsd:gMonth": ("--01", "--12"),
    "xsd:gDay": ("---01", "---31"),
    "xsd:gYearMonth": ("2020-01", "2026-11"),
    "xsd:gMonthDay": ("--01-31", "--12-24"),
    "xsd:hexBinary": ("0AFF", "1bff"),
    "xsd:base64Binary": ("YWJj", "ZGVm"),
    "xsd:anyURI": ("https://example.org/a", "urn:example:b"),
    "samm:curie": ("unit:metre", "unit:inch"),
    "rdf:langString": ("Tuerca", "Tornillo"),
}
_NUMBERS = tuple(name for name, values in SAMPLES.items() if all(v[-1:].isdigit() for v in values))
ORDERED = tuple(
    name
    for name in SAMPLES
    if name.startswith(("xsd:date", "xsd:time")) or (name in _NUMBERS and name[4] != "g")
)
# The official generator writes the address of a Java array ("[B@4955f300") for a binary value.
_BINARY = {"xsd:hexBinary", "xsd:base64Binary"}
ENUMERABLE = tuple(name for name in SAMPLES if name not in _BINARY | {"rdf:langString"})
CONSTRAINABLE = tuple(name for name in SAMPLES if name not in {"xsd:boolean", "rdf:langString"})
_PATTERNS = (r"^[A-Z]{2}\\d+$", r"(a|b)\\.c", "x+", r"^\\S*$", "[ñÑ]")


def literal(datatype: str, text: str) -> str:
    """Return a literal in Turtle."""
    if datatype == "rdf:langString":
        return f'"{text}"@es'
    return f'"{text}"' if datatype == "xsd:string" else f'"{text}"^^{datatype}'


def some(random: Random, datatype: str) -> list[str]:
    """Return one or more different values, in any order."""
    samples = SAMPLES[datatype]
    chosen = random.sample(samples, random.randrange(1, len(samples) + 1))
    return [literal(datatype, text) for text in chosen]


def constraints(random: Random, datatype: str) -> list[str]:
    """Return constraints that a datatype bears, no two of one kind."""
    found = [note()]
    if datatype in ORDERED:
        found.append(value_range(random, datatype))
    if datatype == "xsd:decimal":
        found.append(
            'a samm-c:FixedPointConstraint ; samm-c:scale "2"^^xsd:positiveInteger ;'
            ' samm-c:integer "3"^^xsd:positiveInteger'
        )
    if datatype in {"xsd:string", "xsd:anyURI", "xsd:hexBinary"}:
        found += [pattern(random), length(random)]
        found.append("a samm-c:EncodingConstraint ; samm:value samm:UTF-8")
    return random.sample(found, random.randrange(1, len(found) + 1))


def note() -> str:
    """Return a constraint that limits nothing."""
    return 'a samm-c:LanguageConstraint ; samm-c:languageCode "es"'


def pattern(random: Random) -> str:
    """Return a constraint to a pattern."""
    return f'a samm-c:RegularExpressionConstraint ; samm:value "{random.choice(_PATTERNS)}"'


def length(random: Random) -> str:
    """Return a constraint of length, with one bound or both."""
    least, most = random.randrange(4), random.randrange(4, 9)
    bounds = (
        f'samm-c:minValue "{least}"^^xsd:nonNegativeInteger',
        f'samm-c:maxValue "{most}"^^xsd:nonNegativeInteger',
    )
    return " ; ".join(["a samm-c:LengthConstraint", *_one_or_both(random, bounds)])


def value_range(random: Random, datatype: str) -> str:
    """Return a constraint of range, with one bound or both, inclusive or not."""
    samples = SAMPLES[datatype]
    least, most = sorted(random.sample(range(len(samples)), 2))
    lower = random.choice(("AT_LEAST", "GREATER_THAN"))
    upper = random.choice(("AT_MOST", "LESS_THAN"))
    low, high = (literal(datatype, samples[index]) for index in (least, most))
    bounds = (
        f"samm-c:minValue {low} ; samm-c:lowerBoundDefinition samm-c:{lower}",
        f"samm-c:maxValue {high} ; samm-c:upperBoundDefinition samm-c:{upper}",
    )
    return " ; ".join(["a samm-c:RangeConstraint", *_one_or_both(random, bounds)])


def _one_or_both(random: Random, bounds: tuple[str, str]) -> list[str]:
    return random.sample(bounds, random.choice((1, 2, 2)))
