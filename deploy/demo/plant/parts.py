"""What the plant makes and buys: its parts, its lots, its footprints.

All of it is invented. Everything the demo tells follows from these tables, so that the
expected counts can be counted instead of written down twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

BPNL = "BPNL00000000PUE1"
PLANT = "BPNS00000000PUE1"
WAREHOUSE = "BPNS00000000PUE2"

DOOR_LEFT = "MP-8471-I"
DOOR_RIGHT = "MP-8472-D"
SEAT = "EA-3300"
WINDOW_MOTOR = "MEV-100"
HARNESS = "ARN-4471"
LATCH = "CER-0215"
RAIL = "RIE-3310"
COPPER = "ALC-050"
STEEL = "LAC-DC04"
POLYPROPYLENE = "PPG-30"
CONNECTOR = "CON-12V"
TAPE = "CIN-019"


@dataclass(frozen=True, slots=True)
class Part:
    """A row of the part master; ``mass_kg`` is that of one unit as stocked."""

    number: str
    name: str
    customer_number: str
    customer_name: str
    eclass: str
    eclass_name: str
    mass_kg: str
    site: str = PLANT


@dataclass(frozen=True, slots=True)
class Lot:
    """A batch of material, made or received, in local time."""

    number: str
    part: str
    made: str
    amount: str
    unit: str


@dataclass(frozen=True, slots=True)
class Footprint:
    """A carbon footprint per declared unit: kg CO2e and kg carbon."""

    part: str
    unit: str
    amount: str
    mass_kg: str
    fossil: Decimal
    biogenic_non_co2: Decimal
    land_use_change: Decimal
    biogenic_carbon: Decimal
    fossil_carbon: Decimal
    primary_share: str

    @property
    def uptake(self) -> Decimal:
        """Biogenic CO2 taken up: 44/12 of the biogenic carbon, as a negative mass."""
        return -(self.biogenic_carbon * 44 / 12).quantize(Decimal("0.0001"))

    @property
    def excluding_uptake(self) -> Decimal:
        """The footprint without the biogenic uptake."""
        return self.fossil + self.biogenic_non_co2 + self.land_use_change

    @property
    def including_uptake(self) -> Decimal:
        """The footprint with the biogenic uptake."""
        return self.excluding_uptake + self.uptake


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a recipe: how much of a child goes into one parent."""

    child: str
    quantity: str
    unit: str


_PARTS = """
MP-8471-I|Módulo de puerta delantera izquierda|5NA837461A|Door module front left|27-04-07-01|Módulo de puerta|4.85
MP-8472-D|Módulo de puerta delantera derecha|5NA837462A|Door module front right|27-04-07-01|Módulo de puerta|4.85
EA-3300|Estructura de asiento delantero|5NA881105C|Seat frame front|27-04-09-02|Estructura de asiento|11.20
MEV-100|Motor elevavidrios 12 V|5NA959801|Window lift motor|27-02-24-01|Motor eléctrico|0.62
ARN-4471|Arnés de puerta delantera|5NA971120B|Door wiring harness|27-06-03-11|Arnés eléctrico|0.78
CER-0215|Cerradura de puerta con actuador|5NA837015|Door latch with actuator|27-04-07-05|Cerradura|0.91
RIE-3310|Riel de asiento, juego de 1|5NA881304|Seat rail|27-04-09-04|Riel de asiento|1.35
ALC-050|Alambre de cobre estañado 0.50 mm²|||27-06-18-01|Alambre|1
LAC-DC04|Lámina de acero DC04, 1.2 mm, rollo|||35-01-02-01|Lámina de acero|1
PPG-30|Polipropileno con 30 % fibra de vidrio, granulado|||36-24-05-02|Polipropileno|1
CON-12V|Conector de 12 vías, con sellos|||27-44-01-01|Conector|0.0125
CIN-019|Cinta textil PET 19 mm por 25 m|||27-14-31-90|Cinta aislante|0.0031
"""  # noqa: E501 - a table is read by its columns

_LOTS = """
L-CU-260911|ALC-050|11/09/2026 06:40|1.250,000|KG
L-CU-261004|ALC-050|04/10/2026 14:05|1.310,500|KG
L-AC-260928|LAC-DC04|28/09/2026 09:30|8.420,000|KG
L-AC-261019|LAC-DC04|19/10/2026 22:55|8.395,000|KG
L-PP-260902|PPG-30|02/09/2026 11:20|2.000,000|KG
L-PP-261012|PPG-30|12/10/2026 07:15|2.000,000|KG
L-CO-260930|CON-12V|30/09/2026 16:00|12.000|PZA
L-CI-261001|CIN-019|01/10/2026 08:00|7.500,00|M
"""

_FOOTPRINTS = """
MP-8471-I|PZA|1|4.85|21.40|0.12|0.05|0.06|1.31|46.5
MP-8472-D|PZA|1|4.85|21.46|0.12|0.05|0.06|1.31|46.5
EA-3300|PZA|1|11.20|29.85|0.03|0.01|0|0.02|61.0
MEV-100|PZA|1|0.62|4.12|0.02|0|0|0.08|38.2
ARN-4471|PZA|1|0.78|5.06|0.04|0.01|0.012|0.24|52.4
CER-0215|PZA|1|0.91|3.37|0.01|0|0|0.07|44.0
RIE-3310|PZA|1|1.35|3.28|0|0|0|0.01|58.7
ALC-050|KG|1|1|4.21|0.01|0|0|0|12.5
LAC-DC04|KG|1|1|2.32|0|0|0|0.001|25.0
PPG-30|KG|1|1|2.05|0.01|0.02|0|0.60|0
CON-12V|PZA|100|1.25|6.90|0.05|0.01|0|0.86|8.0
"""  # one for each part but the tape, whose maker has not answered yet

RECIPES = {
    DOOR_LEFT: [
        Line(WINDOW_MOTOR, "1", "PZA"),
        Line(HARNESS, "1", "PZA"),
        Line(LATCH, "1", "PZA"),
        Line(POLYPROPYLENE, "1,250", "KG"),
    ],
    DOOR_RIGHT: [
        Line(WINDOW_MOTOR, "1", "PZA"),
        Line(HARNESS, "1", "PZA"),
        Line(LATCH, "1", "PZA"),
        Line(POLYPROPYLENE, "1,250", "KG"),
    ],
    SEAT: [
        Line(RAIL, "1", "PZA"),
        Line(RAIL, "1", "PZA"),
        Line(STEEL, "6,200", "KG"),
    ],
    WINDOW_MOTOR: [Line(STEEL, "0,310", "KG"), Line(COPPER, "0,085", "KG")],
    HARNESS: [
        Line(COPPER, "0,420", "KG"),
        Line(CONNECTOR, "2", "PZA"),
        Line(TAPE, "3,500", "M"),
    ],
    LATCH: [Line(STEEL, "0,640", "KG"), Line(POLYPROPYLENE, "0,090", "KG")],
    RAIL: [Line(STEEL, "1,150", "KG")],
}

# How many of each leave the line as a product; the motor and the harness are spare parts.
BUILT = {DOOR_LEFT: 4, DOOR_RIGHT: 4, SEAT: 2, WINDOW_MOTOR: 1, HARNESS: 1}

SERIAL_PREFIXES = {
    DOOR_LEFT: "PI26",
    DOOR_RIGHT: "PD26",
    SEAT: "EA26",
    WINDOW_MOTOR: "ME26",
    HARNESS: "AR26",
    LATCH: "CE26",
    RAIL: "RI26",
}


def parts() -> list[Part]:
    """Return the part master, in its order."""
    return [Part(*line.split("|")) for line in _PARTS.split("\n") if line]


def lots() -> list[Lot]:
    """Return the lots, in their order."""
    return [Lot(*line.split("|")) for line in _LOTS.split("\n") if line]


def footprints() -> list[Footprint]:
    """Return the footprints, in their order."""
    return [_footprint(line.split("|")) for line in _FOOTPRINTS.split("\n") if line]


def _footprint(cells: list[str]) -> Footprint:
    part, unit, amount, mass_kg, *masses, primary_share = cells
    fossil, biogenic, land, biogenic_carbon, fossil_carbon = map(Decimal, masses)
    return Footprint(
        part=part,
        unit=unit,
        amount=amount,
        mass_kg=mass_kg,
        fossil=fossil,
        biogenic_non_co2=biogenic,
        land_use_change=land,
        biogenic_carbon=biogenic_carbon,
        fossil_carbon=fossil_carbon,
        primary_share=primary_share,
    )
