"""Values that may satisfy a characteristic: the likeliest first, for an example to try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from connector.aspect.pattern_samples import samples
from connector.aspect.patterns import EXAMPLES, matches
from connector.aspect.semantics import Characteristic, Constraint, ConstraintKind, JsonScalar, Kind

_NUMBERS = (1, 10, 0, 100, 0.5, -1, 2.5, 1000, 0.01)
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "xsd:date": ("2026-03-17",),
    "xsd:time": ("06:12:09Z",),
    "xsd:dateTime": ("2026-03-17T06:12:09Z",),
    "xsd:dateTimeStamp": ("2026-03-17T06:12:09Z",),
    "xsd:gYear": ("2026",),
    "xsd:gMonth": ("--03",),
    "xsd:gDay": ("---17",),
    "xsd:gYearMonth": ("2026-03",),
    "xsd:gMonthDay": ("--03-17",),
    "xsd:duration": ("P1DT12H",),
    "xsd:dayTimeDuration": ("P1DT12H",),
    "xsd:yearMonthDuration": ("P1Y6M",),
    "xsd:anyURI": ("https://example.com/part",),
    "xsd:base64Binary": ("RXNsYWLDs24=",),
    "xsd:hexBinary": ("0A1B",),
    "samm:curie": ("unit:piece",),
}
_WORD = "example"
_LENGTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 32, 40)
_LENGTH_MAX = 100_000


def candidates(of: Characteristic, example: JsonScalar | None) -> Iterator[object]:
    """Yield values of a scalar characteristic, first those that the model gives itself."""
    bare = of.bare
    if example is not None:
        yield {"en": str(example)} if of.scalar_kind is Kind.LANGUAGE_STRING else example
    yield from bare.values
    limits = list(of.limits())
    kind = of.scalar_kind
    if kind is Kind.BOOLEAN:
        yield from (True, False)
    elif kind in {Kind.NUMBER, Kind.INTEGER}:
        yield from _numbers(limits)
    elif kind is Kind.LANGUAGE_STRING:
        tags = [c.named for c in limits if c.named]
        yield from ({tag: _WORD} for tag in [*tags, "en"])
    else:
        yield from _texts(bare.datatype, limits)


def _numbers(limits: list[Constraint]) -> Iterator[object]:
    ends = [
        bound
        for c in limits
        if c.kind is ConstraintKind.RANGE
        for bound in (c.least, c.most)
        if isinstance(bound, int | float)
    ]
    middle = [(min(ends) + max(ends)) / 2] if ends else []
    near = [end + step for end in ends for step in (0, 1, -1, 0.5, -0.5, 0.01, -0.01)]
    yield from _NUMBERS
    yield from (int(number) for number in (*middle, *near))
    yield from (*middle, *near)


def _texts(datatype: str, limits: list[Constraint]) -> Iterator[object]:
    patterns = [c.pattern for c in limits if c.kind is ConstraintKind.PATTERN]
    if patterns:
        yield from (text for text in EXAMPLES if all(matches(p, text) for p in patterns))
    else:
        yield from _TEXTS.get(datatype, (_WORD,))
    yield from chain.from_iterable(map(samples, patterns))
    yield from _dates_near(limits)
    yield from _TEXTS.get(datatype, ())
    yield from _of_length(limits)


def _dates_near(limits: list[Constraint]) -> Iterator[str]:
    """Yield bounds of dates, and the same moment of the years around them."""
    bounds = [b for c in limits for b in (c.least, c.most) if isinstance(b, str)]
    yield from bounds
    for bound in bounds:
        year, dash, rest = bound.partition("-")
        if year.isdigit():
            yield from (f"{int(year) + step:04}{dash}{rest}" for step in (1, -1))


def _of_length(limits: list[Constraint]) -> Iterator[str]:
    bounds = [
        int(bound)
        for c in limits
        if c.kind is ConstraintKind.LENGTH
        for bound in (c.least, c.most)
        if bound is not None
    ]
    for length in (*bounds, *_LENGTHS):
        wanted = min(length, _LENGTH_MAX)
        yield (_WORD * (wanted // len(_WORD) + 1))[:wanted]
        yield "0" * wanted
