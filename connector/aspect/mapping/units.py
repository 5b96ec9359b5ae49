"""Units of measure and what one is in terms of another, exactly.

Besides the usual signs, the names of the ``unit:`` catalogue of the aspect models are known
(SAMM 2.1.0, unit catalogue), so that a footprint's declared unit can be written as it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from connector.errors import DataError

# One digit more than a double can tell apart, twice over.
_EXACT = Context(prec=36)


class Unit(NamedTuple):
    """A unit: what it measures, and how many of its dimension's first unit it is."""

    dimension: str
    size: Fraction


def _family(dimension: str, **sizes: str) -> dict[str, Unit]:
    return {name: Unit(dimension, Fraction(size)) for name, size in sizes.items()}


_SIGNS: Mapping[str, Unit] = {
    **_family("mass", mg="1/1000000", g="1/1000", kg="1", t="1000"),
    **_family("mass", lb="0.45359237", oz="0.028349523125"),
    **_family("length", mm="1/1000", cm="1/100", m="1", km="1000"),
    **_family("length", ft="0.3048", mi="1609.344", yd="0.9144"),
    "in": Unit("length", Fraction("0.0254")),
    **_family("area", mm2="1/1000000", cm2="1/10000", m2="1", ft2="0.09290304"),
    **_family("volume", ml="1/1000000", l="1/1000", m3="1", cm3="1/1000000", gal="0.003785411784"),
    **_family("energy", J="1", kJ="1000", MJ="1000000", GJ="1000000000"),
    **_family("energy", Wh="3600", kWh="3600000", MWh="3600000000"),
    **_family("time", s="1", min="60", h="3600", d="86400"),
    **_family("transport", kgkm="1", tkm="1000"),
    **_family("count", piece="1", dozen="12", thousand="1000"),
    "%": Unit("share", Fraction(1, 100)),
    "ratio": Unit("share", Fraction(1)),
}

_CATALOGUE: Mapping[str, str] = {
    "unit:gram": "g",
    "unit:kilogram": "kg",
    "unit:tonneMetricTon": "t",
    "unit:pound": "lb",
    "unit:millimetre": "mm",
    "unit:centimetre": "cm",
    "unit:metre": "m",
    "unit:kilometre": "km",
    "unit:inch": "in",
    "unit:foot": "ft",
    "unit:squareMetre": "m2",
    "unit:squareCentimetre": "cm2",
    "unit:squareFoot": "ft2",
    "unit:litre": "l",
    "unit:millilitre": "ml",
    "unit:cubicMetre": "m3",
    "unit:cubicCentimetre": "cm3",
    "unit:megajoule": "MJ",
    "unit:kilowattHour": "kWh",
    "unit:secondUnitOfTime": "s",
    "unit:minuteUnitOfTime": "min",
    "unit:hourUnitOfTime": "h",
    "unit:day": "d",
    "unit:tonneKilometre": "tkm",
    "unit:piece": "piece",
    "unit:percent": "%",
}

UNITS: Mapping[str, Unit] = {
    **_SIGNS,
    **{name: _SIGNS[sign] for name, sign in _CATALOGUE.items()},
}


def factor(given: str, wanted: str) -> Fraction:
    """Return how many of the wanted unit one of the given unit is.

    Raises:
        DataError: the given unit is not known, or measures something else.

    """
    there, here = UNITS.get(given), UNITS[wanted]
    if there is None:
        raise DataError("aspect:cell_unit_unknown", value=given)
    if there.dimension != here.dimension:
        raise DataError("aspect:cell_units_differ", given=given, wanted=wanted)
    return there.size / here.size


def scaled(value: Decimal, by: Fraction) -> Decimal:
    """Return a value times a factor, exact where its decimals end within 36 digits."""
    product = _EXACT.multiply(value, Decimal(by.numerator))
    return _EXACT.divide(product, Decimal(by.denominator))
