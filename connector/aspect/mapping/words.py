"""What a cell may be turned into as text: cut, cased, looked up, taken for true or false."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connector.aspect.mapping.definition import TextStep, Truth
from connector.aspect.semantics import JsonScalar
from connector.errors import DataError

VALUE_CHARACTERS_MAX = 60

Convert = Callable[[object], object]


def shortened(value: object) -> str:
    """Return a value as a message shows it: one line of bounded length."""
    text = " ".join(str(value).split(" "))
    return text if len(text) <= VALUE_CHARACTERS_MAX else f"{text[: VALUE_CHARACTERS_MAX - 1]}…"


def is_empty(cell: object) -> bool:
    """Whether a cell says nothing: absent, empty, or blanks only."""
    return cell is None or cell == "" or (isinstance(cell, str) and cell.isspace())


def text_of(cell: object) -> str:
    """Return a cell as text; a whole number of a JSON source is written out.

    Raises:
        DataError: the cell is a fraction, a truth value, an object or a list.

    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    raise DataError("aspect:cell_not_text", value=shortened(cell))


def text_reader(step: TextStep) -> Convert:
    """Return the function that cuts and cases a text as the step says."""

    def read(cell: object) -> str:
        text = text_of(cell)
        if step.trim:
            text = text.strip()
        if step.split:
            text = _piece(text.split(step.split), step.part)
        if step.first or step.last:
            text = text[max(step.first - 1, 0) : step.last or None]
        return _cased(text, step.case)

    return read


def _piece(pieces: list[str], part: int) -> str:
    index = part - 1 if part > 0 else part
    return pieces[index] if -len(pieces) <= index < len(pieces) else ""


def _cased(text: str, case: str) -> str:
    if not case:
        return text
    return text.upper() if case == "upper" else text.lower()


def table_reader(name: str, entries: Mapping[str, JsonScalar]) -> Convert:
    """Return the function that looks a text up; what is not listed is a `DataError`."""

    def read(cell: object) -> JsonScalar:
        found = entries.get(cell) if isinstance(cell, str) else entries.get(text_of(cell))
        if found is None:
            raise DataError("aspect:cell_not_listed", value=shortened(cell), table=name)
        return found

    return read


def truth_reader(truth: Truth) -> Convert:
    """Return the function that takes words, or a JSON truth value, for true or false."""

    def read(cell: object) -> bool:
        if isinstance(cell, bool):
            return cell
        word = text_of(cell).strip().lower()
        if word in truth.yes or word in truth.no:
            return word in truth.yes
        known = ", ".join(sorted(truth.yes | truth.no))
        raise DataError("aspect:cell_not_boolean", value=shortened(cell), words=known)

    return read
