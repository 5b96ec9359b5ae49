"""Read one Turtle file into plain nodes, with the terms of all SAMM versions made one.

The file's own literals are kept as written: rdflib would rewrite ``2022-01-01T00:00:00Z``,
and the values of an enumeration must be exactly those of the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from rdflib import BNode, Graph
from rdflib.exceptions import ParserError
from rdflib.plugins.parsers.notation3 import BadSyntax, Formula, RDFSink, SinkParser, sfloat

from connector.aspect.samm.vocabulary import FIRST, NIL, REST, term
from connector.errors import SetupError

_BYTES_MAX = 16 * 1024 * 1024
# Relative addresses stand only behind samm:see, which nobody follows.
_BASE = "http://relative.invalid/"
# rdflib refuses the blank that Turtle (section 6.4) allows between a literal and its datatype.
_BLANK_BEFORE_TYPE = re.compile(
    r"""("{3}(?:[^"\\]|\\.|"(?!""))*"{3}|"(?:[^"\\\n]|\\.)*")[ \t]+(?=\^\^)|<[^>\n]*>|\#[^\n]*"""
    r"""|"{3}(?:[^"\\]|\\.|"(?!""))*"{3}|"(?:[^"\\\n]|\\.)*" """.strip(),
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal as the file writes it; ``language`` is empty where none is given."""

    text: str
    datatype: str = "xsd:string"
    language: str = ""


Node = str | Literal
Facts = Mapping[str, list[Node]]


@dataclass(frozen=True, slots=True, eq=False)
class TurtleFile:
    """One file: what it says about each subject, by predicate and in the file's order."""

    path: Path
    subjects: Mapping[str, Facts]

    def items(self, head: Node) -> list[Node]:
        """Return the members of an RDF list; a list that bites its tail ends there."""
        members: list[Node] = []
        seen: set[Node] = {NIL}
        while head not in seen and isinstance(head, str):
            seen.add(head)
            cell = self.subjects.get(head, {})
            members += cell.get(FIRST, [])
            head = cell.get(REST, [NIL])[0]
        return members


def is_blank(node: Node) -> bool:
    """Tell whether a node is anonymous in its file."""
    return isinstance(node, str) and node.startswith("_:")


def read_turtle(path: Path) -> TurtleFile:
    """Parse a file; raise `SetupError` where it cannot be read or is no Turtle."""
    text = _text(path)
    try:
        return TurtleFile(path, _parse(text))
    except (BadSyntax, IndexError):  # rdflib looks beyond the end of a file that breaks off
        pass
    try:
        return TurtleFile(path, _parse(_BLANK_BEFORE_TYPE.sub(_without_blank, text)))
    except (BadSyntax, ParserError, ValueError, IndexError) as error:
        line, why = _line_and_reason(error)
        raise SetupError("aspect:model_turtle_broken", file=path, line=line, why=why) from error


def _without_blank(found: re.Match[str]) -> str:
    return found[1] or found[0]


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise SetupError("aspect:model_file_too_large", file=path, bytes_max=_BYTES_MAX)
        raw = path.read_bytes()
    except OSError as error:
        raise SetupError("aspect:model_file_unreadable", file=path, reason=error) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "".join(_line(line) for line in raw.splitlines(keepends=True))


def _line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _line_and_reason(error: Exception) -> tuple[int, str]:
    if isinstance(error, BadSyntax):
        return error.lines + 1, str(error._why)  # noqa: SLF001 - the only place that holds it
    return 0, str(error)


def _parse(text: str) -> Mapping[str, Facts]:
    sink = _Sink(Graph())
    parser = SinkParser(sink, baseURI=_BASE, turtle=True)
    parser.startDoc()
    parser.feed(text)
    parser.endDoc()
    return sink.subjects


class _Sink(RDFSink):
    """Takes the parser's statements without building a graph: a third of rdflib's time."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.subjects: dict[str, dict[str, list[Node]]] = {}

    def newLiteral(  # type: ignore[override]  # noqa: N802 - rdflib's name
        self, s: str, dt: str | None = None, lang: str | None = None
    ) -> Literal:
        if lang:
            return Literal(s, "rdf:langString", lang)
        return Literal(s, term(str(dt)) if dt else "xsd:string")

    def makeStatement(  # noqa: N802 - rdflib's name
        self,
        quadruple: tuple[Formula | Graph | None, object, object, object],
        why: object = None,  # noqa: ARG002
    ) -> None:
        _, predicate, subject, value = quadruple
        facts = self.subjects.setdefault(str(_node(subject)), {})
        values = facts.setdefault(str(_node(predicate)), [])
        if (node := _node(value)) not in values:
            values.append(node)


def _node(raw: object) -> Node:
    if isinstance(raw, Literal):
        return raw
    if isinstance(raw, BNode):
        return f"_:{raw}"
    if isinstance(raw, tuple):
        return term(str(raw[1]))
    return _number(raw) or term(str(raw))


def _number(raw: object) -> Literal | None:
    if isinstance(raw, bool):
        return Literal(str(raw).lower(), "xsd:boolean")
    if isinstance(raw, int):
        return Literal(str(raw), "xsd:integer")
    if isinstance(raw, Decimal):
        return Literal(str(raw), "xsd:decimal")
    return Literal(str(raw), "xsd:double") if isinstance(raw, sfloat) else None
