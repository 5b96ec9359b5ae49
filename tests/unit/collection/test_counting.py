"""kg CO2e over a walked bill of materials."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.collection.counting import count, total
from connector.collection.model import Footprint, Node, Part
from connector.identifiers import Bpnl


def node(
    number: int, parent: int | None, footprint: Footprint | None = None, quantity: float = 1.0
) -> Node:
    return Node(
        id=number,
        parent=parent,
        partner=Bpnl("BPNL00000000PUE1"),
        global_asset_id=f"part {number}",
        quantity=None if parent is None else quantity,
        unit="" if parent is None else "unit:piece",
        state="done",
        step="",
        reason="",
        part=Part(footprint=footprint),
    )


PIECE = Footprint(10.0, 1, "piece")


def test_what_a_part_states_covers_all_that_is_in_it() -> None:
    assert 10.0 == total([node(1, None, PIECE), node(2, 1, Footprint(99.0, 1, "piece"))])


def test_where_a_part_states_none_its_children_are_counted() -> None:
    nodes = [node(1, None), node(2, 1, PIECE, quantity=2), node(3, 1, PIECE, quantity=0.5)]

    assert 25.0 == total(nodes)


def test_quantities_multiply_down_the_tree() -> None:
    nodes = [node(1, None), node(2, 1, quantity=3), node(3, 2, PIECE, quantity=2)]

    assert {1: 60.0, 2: 60.0, 3: 20.0} == count(nodes)


def test_what_nobody_states_is_unknown() -> None:
    assert {1: None, 2: None} == count([node(1, None), node(2, 1)])


def test_no_parts_weigh_nothing_that_is_known() -> None:
    assert None is total([])


@pytest.mark.parametrize(
    ("unit", "quantity", "stated", "kg"),
    [
        ("unit:kilogram", 2.0, Footprint(3.0, 1, "kilogram"), 6.0),
        ("unit:gram", 500.0, Footprint(3.0, 1, "kilogram"), 1.5),
        ("unit:gram", 500.0, Footprint(3.0, 1, "piece", mass_kg=0.25), 6.0),
        ("unit:kilogram", 2.0, Footprint(3.0, 1, "piece"), None),
        ("unit:litre", 2.0, Footprint(3.0, 1, "piece"), None),
        ("unit:litre", 2.0, Footprint(3.0, 4, "litre"), 1.5),
    ],
)
def test_a_quantity_is_counted_where_its_unit_meets_the_stated_one(
    unit: str, quantity: float, stated: Footprint, kg: float | None
) -> None:
    child = node(2, 1, stated, quantity)
    weighed = replace(child, unit=unit)

    assert kg == count([node(1, None), weighed])[2]
