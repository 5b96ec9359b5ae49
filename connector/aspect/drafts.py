"""The versions of JSON Schema that schemas are written in."""

from __future__ import annotations

from enum import StrEnum


class Draft(StrEnum):
    """A version of JSON Schema."""

    DRAFT_04 = "4"
    DRAFT_2020_12 = "2020-12"
