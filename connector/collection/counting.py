"""Counts kg CO2e over a walked bill of materials. Pure rules.

A part's own footprint, stated from cradle to gate, covers all that is in it; only where a
part states none are its children counted in its place (footprints are never added to those
of the parts they contain).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.collection import reading
from connector.collection.model import Node


def count(nodes: Sequence[Node]) -> Mapping[int, float | None]:
    """Return kg CO2e for each node in the quantity that its parent holds, None if unknown.

    Parents come before their children, as a walk stores them.
    """
    counted: dict[int, float | None] = {}
    below: dict[int, list[int]] = {}
    for node in reversed(nodes):
        counted[node.id] = _of(node, [counted[child] for child in below.get(node.id, ())])
        if node.parent is not None:
            below.setdefault(node.parent, []).append(node.id)
    return counted


def total(nodes: Sequence[Node]) -> float | None:
    """Return kg CO2e of the part that was asked for, None where nothing states it."""
    return count(nodes)[nodes[0].id] if nodes else None


def _of(node: Node, children: Sequence[float | None]) -> float | None:
    stated = node.part.footprint
    own = reading.share(stated, node.quantity, node.unit) if stated else None
    if own is not None:
        return own
    known = [kg for kg in children if kg is not None]
    if not known:
        return None
    return sum(known) * (1.0 if node.quantity is None else node.quantity)
