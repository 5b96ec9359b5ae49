"""A reader holds any file and any function in the head."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from statistics import median, quantiles

import pytest

from tests.architecture.source_tree import Function, SourceFile, house, length, nesting

FUNCTION_LINES_MAX = 50
FUNCTION_LINES_MEDIAN_MAX = 8
FUNCTION_LINES_P90_MAX = 22
FILE_LINES_MAX = 400
FILE_LINES_WANTED = 300
NESTING_MAX = 3
# The doors, the feeds, the operator's jobs, the messages, the walks, the watch over access.
BROAD_EXCEPTS_MAX = 6
DUPLICATED_SHARE_MAX = 0.02
WINDOW_LINES = 6
# Shorter windows are closing brackets and keyword arguments: the same everywhere.
WINDOW_CHARACTERS_MIN = 120

BANNED = set(
    "util utils helper helpers manager service core common base misc shared handler processor"
    " abstract impl info".split()
)
# So DCAT, DID documents, DCP and the Dataspace Protocol name them; one concept, one word.
WORDS_OF_THE_FIELD = {
    *("_Service", "_service", "access_service", "base_url", "credential_service"),
    *("CredentialService", "DataService", "issuer_service"),
}

FILES = house()
FUNCTIONS = [(file, function) for file in FILES for function in file.functions]


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{file}:{function.lineno} {function.name}: {length(function)} lines"
        for file, function in FUNCTIONS
        if length(function) > FUNCTION_LINES_MAX
    ]

    assert [] == long


def test_functions_are_short_as_a_rule() -> None:
    lengths = [length(function) for _, function in FUNCTIONS]

    assert median(lengths) <= FUNCTION_LINES_MEDIAN_MAX
    assert quantiles(lengths, n=10)[8] <= FUNCTION_LINES_P90_MAX


def test_nothing_nests_deeper_than_three_blocks() -> None:
    deep = [
        f"{file}:{function.lineno} {function.name}: {nesting(function)} deep"
        for file, function in FUNCTIONS
        if nesting(function) > NESTING_MAX
    ]

    assert [] == deep


def test_no_file_is_longer_than_four_hundred_lines_of_code() -> None:
    long = [f"{file}: {len(file.code)}" for file in FILES if len(file.code) > FILE_LINES_MAX]

    assert [] == long


def test_a_file_over_three_hundred_lines_is_a_rare_exception() -> None:
    long = [f"{file}: {len(file.code)}" for file in FILES if len(file.code) > FILE_LINES_WANTED]

    assert len(long) <= len(FILES) // 20, long


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_module_says_its_one_job_first(file: SourceFile) -> None:
    assert ast.get_docstring(file.tree)


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.path.name == "__init__.py"], ids=str
)
def test_a_package_holds_only_its_description(file: SourceFile) -> None:
    assert {} == file.code


@pytest.mark.parametrize("file", FILES, ids=str)
def test_names_say_what_a_thing_is_for(file: SourceFile) -> None:
    assert [] == [name for name in _names(file) if _words(name) & BANNED]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_everything_is_typed(file: SourceFile) -> None:
    assert [] == [function.name for function in file.functions if not _is_typed(function)]


def test_everything_is_caught_only_at_the_edges_of_a_loop() -> None:
    broad = [
        f"{file}:{node.lineno}"
        for file in FILES
        for node in file.nodes
        if isinstance(node, ast.ExceptHandler) and _is_broad(node)
    ]

    assert len(broad) <= BROAD_EXCEPTS_MAX, broad


def test_hardly_a_line_stands_twice() -> None:
    windows = defaultdict(list)
    total = 0
    for file in FILES:
        lines = _lines_without_imports(file)
        total += len(lines)
        for start in range(len(lines) - WINDOW_LINES + 1):
            text = "\n".join(line for _, line in lines[start : start + WINDOW_LINES])
            if len(text) >= WINDOW_CHARACTERS_MIN:
                windows[text].append((file, start))
    twice = [places for places in windows.values() if len(places) > 1]
    repeated = {
        (str(file), start + offset)
        for places in twice
        for file, start in places
        for offset in range(WINDOW_LINES)
    }

    shown = sorted({f"{f}:{_lines_without_imports(f)[s][0]}" for ps in twice for f, s in ps})
    assert len(repeated) <= DUPLICATED_SHARE_MAX * total, shown


def _names(file: SourceFile) -> list[str]:
    defined = (node for node in file.nodes if isinstance(node, Function | ast.ClassDef))
    names = [*file.module.split("."), *(node.name for node in defined)]
    return [name for name in names if name not in WORDS_OF_THE_FIELD]


def _words(name: str) -> set[str]:
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
    # "DataAddress" is a word of the field; only what ends in Data hides its meaning.
    if name[:1].isupper() and words[-1:] == ["Data"] and len(words) > 1:
        words.append("misc")
    return {word.lower() for word in words}


def _is_typed(function: Function) -> bool:
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    arguments += [extra for extra in (given.vararg, given.kwarg) if extra]
    named = [argument for argument in arguments if argument.arg not in {"self", "cls"}]
    return function.returns is not None and all(argument.annotation for argument in named)


def _is_broad(node: ast.ExceptHandler) -> bool:
    """Whether a handler ends every error there is; one that undoes and raises again does not."""
    match node.body[-1]:
        case ast.Raise(exc=None):
            return False
    if node.type is None:
        return True
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(isinstance(e, ast.Name) and e.id in {"Exception", "BaseException"} for e in caught)


def _lines_without_imports(file: SourceFile) -> list[tuple[int, str]]:
    imported = {
        line
        for node in file.nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return [(line, text) for line, text in sorted(file.code.items()) if line not in imported]
