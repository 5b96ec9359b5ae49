"""The words with which a mapping says one value, read into expressions.

``SOURCES`` and ``STEPS`` are the whole vocabulary; the documentation is tested against them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from connector.aspect.mapping.definition import (
    Column,
    Constant,
    Conversion,
    Date,
    Expression,
    FirstOf,
    Number,
    Source,
    Template,
    TextStep,
    Truth,
    UnitChange,
    When,
)
from connector.aspect.mapping.formats import ISO, DateFormat, parse_format
from connector.aspect.mapping.reading import Reading, nearest
from connector.aspect.mapping.tree import Branch, Leaf, Series, Tree
from connector.aspect.mapping.units import UNITS
from connector.aspect.semantics import JsonScalar
from connector.errors import DataError

SOURCES = ("column", "constant", "template", "first_of", "when")
STEPS = (
    *("trim", "split", "slice", "upper", "lower", "lookup"),
    *("number", "date", "as", "at", "boolean", "unit", "default"),
)
CONVERSIONS = ("number", "date", "boolean")
SPLIT_WORDS = ("by", "part")
SLICE_WORDS = ("from", "to")
UNIT_WORDS = ("from", "to")
WHEN_WORDS = ("column", "equals", "then", "else")
NUMBER_WORDS = ("decimal", "thousands")
BOOLEAN_WORDS = ("true", "false")
DATE_RESULTS = ("date", "datetime")

_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[^{}]+|[{}]")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")


def is_expression(branch: Branch) -> bool:
    """Whether a map says one value rather than the properties of an object.

    Properties of an object are maps and lists themselves, so a plain text under a word of
    the language, or under one that is nearly one, settles it.
    """
    return any(
        _says_one_value(entry.name, is_plain=isinstance(entry.value, Leaf))
        for entry in branch.entries
    )


def _says_one_value(name: str, *, is_plain: bool) -> bool:
    if not is_plain:
        return name in {"first_of", "when"}
    return name in SOURCES or _is_near_source(name)


def _is_near_source(name: str) -> bool:
    known = SOURCES + STEPS
    return name not in known and nearest(name, known) in SOURCES


def read_expression(tree: Tree | None, reading: Reading, word: str) -> Expression | None:
    """Return the expression that a tree says; None where it is wrong, which is noted."""
    if tree is None:
        return None
    if not isinstance(tree, Branch):
        written = tree.text if isinstance(tree, Leaf) else ""
        reading.notes.add("aspect:mapping_bare_value", tree.line, word=word, value=written)
        return None
    reading.only(tree, SOURCES + STEPS)
    source = _source(tree, reading)
    text = _text_step(tree, reading)
    lookup = _lookup(tree, reading)
    conversion = _conversion(tree, reading)
    unit = _unit(tree, reading)
    default = _default(tree, reading)
    if source is None:
        return None
    return Expression(tree.line, source, text, lookup, conversion, unit, default)


def _source(branch: Branch, reading: Reading) -> Source | None:
    said = [name for name in branch.names if name in SOURCES]
    if len(said) != 1:
        _note_sources(branch, said, reading)
        return None
    word, tree = said[0], branch.get(said[0])
    if word == "first_of":
        return _first_of(tree, reading)
    if word == "when":
        return _when(tree, reading)
    return _written(word, tree, reading)


def _written(word: str, tree: Tree | None, reading: Reading) -> Source | None:
    text = reading.text(tree, word)
    if not text or not isinstance(tree, Leaf):
        return None
    if word == "constant":
        return Constant(tree.value)
    return Column(text) if word == "column" else _template(text, tree.line, reading)


def _note_sources(branch: Branch, said: list[str], reading: Reading) -> None:
    if said:
        reading.notes.add("aspect:mapping_sources_many", branch.line, said=", ".join(said))
    elif not any(_is_near_source(name) for name in branch.names):
        known = ", ".join(SOURCES)
        reading.notes.add("aspect:mapping_source_missing", branch.line, known=known)


def _first_of(tree: Tree | None, reading: Reading) -> FirstOf | None:
    if not isinstance(tree, Series):
        reading.notes.add("aspect:mapping_list_wanted", tree.line if tree else 1, word="first_of")
        return None
    read = (read_expression(item, reading, "first_of") for item in tree.items)
    return FirstOf(tuple(option for option in read if option))


def _when(tree: Tree | None, reading: Reading) -> When | None:
    branch = reading.branch(tree, "when", WHEN_WORDS)
    if branch is None:
        return None
    reading.wanted(branch, ("equals", "then"), WHEN_WORDS)
    column = reading.wanted_text(branch, "column")
    then = read_expression(branch.get("then"), reading, "then")
    otherwise = read_expression(branch.get("else"), reading, "else")
    equals = reading.texts(branch.get("equals"), "equals")
    return When(Column(column), equals, then, otherwise) if column and then else None


def _template(text: str, line: int, reading: Reading) -> Template | None:
    parts: list[str | Column] = []
    for found in _HOLE.finditer(text):
        if found[1] is not None:
            parts.append(Column(found[1]))
        elif found[0] in {"{{", "}}"}:
            parts.append(found[0][0])
        else:
            parts.append(found[0])
    stray = any(part in ("{", "}") for part in _HOLE.sub(_kept_if_stray, text))
    columns = [part.name for part in parts if isinstance(part, Column)]
    if stray or not all(columns):
        reading.notes.add("aspect:mapping_template_braces", line, template=text)
        return None
    return Template(tuple(parts))


def _kept_if_stray(found: re.Match[str]) -> str:
    return found[0] if found[0] in {"{", "}"} else ""


def _text_step(branch: Branch, reading: Reading) -> TextStep:
    split = reading.branch(branch.get("split"), "split", SPLIT_WORDS)
    cut = reading.branch(branch.get("slice"), "slice", SLICE_WORDS)
    upper = reading.flag(branch.get("upper"), "upper")
    lower = reading.flag(branch.get("lower"), "lower")
    if upper and lower:
        reading.notes.add(
            "aspect:mapping_words_exclude", branch.line, first="upper", second="lower"
        )
    return TextStep(
        trim=reading.flag(branch.get("trim"), "trim"),
        split=reading.wanted_text(split, "by") if split else "",
        part=_counted(split, "part", reading) if split else 0,
        first=_counted(cut, "from", reading) if cut else 0,
        last=reading.whole(cut.get("to"), "to") if cut else 0,
        case="upper" if upper else "lower" if lower else "",
    )


def _counted(branch: Branch, word: str, reading: Reading) -> int:
    tree = branch.get(word)
    number = reading.whole(tree, word)
    if tree is None or (isinstance(tree, Leaf) and tree.value == 0):
        reading.notes.add("aspect:mapping_counted_from_one", branch.line, word=word)
    return number


def _lookup(branch: Branch, reading: Reading) -> str:
    tree = branch.get("lookup")
    name = reading.text(tree, "lookup")
    if tree and name and name not in reading.tables:
        near, known = nearest(name, reading.tables), ", ".join(reading.tables) or "-"
        params = {"table": name, "nearest": near or known}
        reading.notes.add("aspect:mapping_table_unknown", tree.line, **params)
    return name


def _conversion(branch: Branch, reading: Reading) -> Conversion | None:
    said = [name for name in branch.names if name in CONVERSIONS]
    if len(said) > 1:
        first, second = said[:2]
        reading.notes.add("aspect:mapping_words_exclude", branch.line, first=first, second=second)
        return None
    if "date" in said:
        return _date(branch, reading)
    for word in ("as", "at"):
        if branch.get(word) is not None:
            reading.notes.add("aspect:mapping_word_needs", branch.line, word=word, needed="date")
    if "number" in said:
        return number_of(branch.get("number"), reading, "number")
    return _truth(branch.get("boolean"), reading) if said else None


def number_of(tree: Tree | None, reading: Reading, word: str) -> Number | None:
    """Return how numbers are written: ``true`` for as the feed says, or the signs."""
    if not isinstance(tree, Branch):
        return reading.number if reading.flag(tree, word) else None
    reading.only(tree, NUMBER_WORDS)
    feed = reading.number
    decimal = reading.text(tree.get("decimal"), "decimal") or feed.decimal
    thousands = reading.text(tree.get("thousands"), "thousands")
    return checked_number(Number(decimal, thousands), tree.line, reading)


def checked_number(number: Number, line: int, reading: Reading) -> Number:
    """Return the notation, or note that its signs cannot be told apart."""
    thousands = number.thousands
    if number.decimal not in {".", ","}:
        reading.notes.add("aspect:mapping_decimal_sign", line, sign=number.decimal)
    elif thousands == number.decimal or len(thousands) > 1 or thousands.isalnum():
        reading.notes.add("aspect:mapping_thousands_sign", line, sign=thousands)
    return number


def _truth(tree: Tree | None, reading: Reading) -> Truth | None:
    if isinstance(tree, Leaf) and tree.value is True:
        return Truth(frozenset({"true"}), frozenset({"false"}))
    branch = reading.branch(tree, "boolean", BOOLEAN_WORDS)
    if branch is None:
        return None
    reading.wanted(branch, BOOLEAN_WORDS, BOOLEAN_WORDS)
    yes, no = (reading.texts(branch.get(word), word) for word in BOOLEAN_WORDS)
    return Truth(frozenset(w.lower() for w in yes), frozenset(w.lower() for w in no))


def _date(branch: Branch, reading: Reading) -> Date | None:
    try:
        written = parse_format(reading.text(branch.get("date"), "date"))
    except DataError as error:
        reading.notes.add(error.code, branch.line, **error.params)
        return None
    at = _time_of_day(branch.get("at"), reading)
    result = reading.text(branch.get("as"), "as")
    if result and result not in DATE_RESULTS:
        tree = branch.get("as") or branch
        reading.unknown(tree.line, result, DATE_RESULTS)
    with_time = result == "datetime" or (not result and (written.has_time or bool(at)))
    _check_time(Date(written, with_time, at), branch.line, reading)
    return Date(written, with_time, at)


def _check_time(date: Date, line: int, reading: Reading) -> None:
    written: DateFormat = date.format
    if not date.with_time:
        return
    if not (written.has_time or date.at or written.text == ISO):
        reading.notes.add("aspect:mapping_date_without_time", line, format=written.text)
    if not (written.has_zone or reading.time_zone or written.text == ISO):
        reading.notes.add("aspect:mapping_zone_missing", line, format=written.text)


def _time_of_day(tree: Tree | None, reading: Reading) -> str:
    text = reading.text(tree, "at")
    if tree and text and not _TIME_OF_DAY.fullmatch(text):
        reading.notes.add("aspect:mapping_time_of_day", tree.line, value=text)
        return ""
    return text


def _unit(branch: Branch, reading: Reading) -> UnitChange | None:
    change = reading.branch(branch.get("unit"), "unit", UNIT_WORDS)
    if change is None:
        return None
    if branch.get("number") is None:
        reading.notes.add("aspect:mapping_word_needs", change.line, word="unit", needed="number")
    tree = change.get("from")
    given: str | Expression | None
    if isinstance(tree, Branch):
        given = read_expression(tree, reading, "from")
    else:
        given = _unit_name(change, "from", reading)
    wanted = _unit_name(change, "to", reading)
    if not given or not wanted:
        return None
    if isinstance(given, str) and UNITS[given].dimension != UNITS[wanted].dimension:
        reading.notes.add("aspect:mapping_units_differ", change.line, given=given, wanted=wanted)
        return None
    return UnitChange(given, wanted)


def _unit_name(branch: Branch, word: str, reading: Reading) -> str:
    name = reading.wanted_text(branch, word)
    if not name or name in UNITS:
        return name
    near = nearest(name, tuple(UNITS)) or ", ".join(n for n in UNITS if ":" not in n)
    reading.notes.add("aspect:mapping_unit_unknown", branch.line, unit=name, nearest=near)
    return ""


def _default(branch: Branch, reading: Reading) -> JsonScalar | None:
    tree = branch.get("default")
    if tree is None:
        return None
    if isinstance(tree, Leaf) and not tree.is_empty:
        return tree.value
    reading.notes.add("aspect:mapping_text_wanted", tree.line, word="default")
    return None


VOCABULARY: Mapping[str, tuple[str, ...]] = {
    "source": SOURCES,
    "step": STEPS,
    "split": SPLIT_WORDS,
    "slice": SLICE_WORDS,
    "unit": UNIT_WORDS,
    "when": WHEN_WORDS,
    "number": NUMBER_WORDS,
    "boolean": BOOLEAN_WORDS,
    "as": DATE_RESULTS,
}
