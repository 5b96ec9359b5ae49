"""The forms in which RDF is written, in a file that costs nothing to import."""

from __future__ import annotations

from enum import StrEnum


class Form(StrEnum):
    """How RDF is written."""

    TURTLE = "turtle"
    NQUADS = "nquads"
    JSONLD = "jsonld"
