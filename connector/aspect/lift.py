"""Lift payloads of a model to RDF and bring them back, with nothing lost on either way.

A payload becomes a tree of nodes, lists and typed literals under the model's own URNs; what
the model does not know goes under a namespace of ours.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING

from connector.aspect.rdf.forms import Form
from connector.aspect.rdf.jsonld import JsonLdWriter
from connector.aspect.rdf.lifting import Lifting, Lowering
from connector.aspect.rdf.statements import nquads
from connector.aspect.rdf.turtle import turtle
from connector.aspect.rdf.vocabulary import Vocabulary
from connector.aspect.semantics import AspectModel

if TYPE_CHECKING:  # rdflib is 80 ms that writing text does not need
    from rdflib import Graph


class Lift:
    """The way of one model's payloads to RDF and back."""

    def __init__(self, model: AspectModel) -> None:
        """Take the model."""
        self._vocabulary = Vocabulary(model)
        self._lifting = Lifting(self._vocabulary)
        self._lowering = Lowering(self._vocabulary)

    def jsonld(self, payload: object) -> dict[str, object]:
        """Return a payload as JSON-LD with its context inside, as JSON values.

        Raises:
            DataError: it is no object, or nested too deeply.

        """
        return self._jsonld.document(self._lifting.resource(payload))

    def graph(self, payload: object) -> Graph:
        """Return a payload as a graph; raises as `jsonld`."""
        from connector.aspect.rdf.graph import graph_of  # noqa: PLC0415 - 80 ms, see above

        return graph_of(self._lifting.resource(payload))

    def text(self, payload: object, form: Form) -> str:
        """Return a payload as RDF in text; raises as `jsonld`."""
        if form is Form.JSONLD:
            return json.dumps(self.jsonld(payload), ensure_ascii=False, indent=2) + "\n"
        root = self._lifting.resource(payload)
        return turtle(root) if form is Form.TURTLE else "".join(f"{q}\n" for q in nquads(root))

    def payload(self, graph: Graph) -> dict[str, object]:
        """Return the payload that a graph holds, as JSON values.

        A number that no float holds exactly comes as `Decimal`. A graph that rdflib parsed
        has other texts for dates: read text with `payload_from_text`.

        Raises:
            DataError: the graph does not hold exactly one payload of this model.

        """
        from connector.aspect.rdf.graph import tree_of  # noqa: PLC0415 - 80 ms, see above

        types = frozenset(self._vocabulary.types)
        return self._lowering.payload(tree_of(graph, self._vocabulary.root, types))

    def payload_from_text(self, text: str, form: Form) -> dict[str, object]:
        """Return the payload that RDF in text holds; raises as `payload`."""
        from connector.aspect.rdf.graph import parsed  # noqa: PLC0415 - 80 ms, see above

        return self.payload(parsed(text, form))

    @cached_property
    def _jsonld(self) -> JsonLdWriter:
        return JsonLdWriter(self._vocabulary)
