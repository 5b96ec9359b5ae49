"""Every key of a TOML file is found on the line where it stands."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.settings.lines import Lines

TEXT = '''\
# a comment with [brackets] and x = 1
top = 1

[a.b]
"quoted key" = 2   # trailing
c.d = 3
list = [
  "one",  # [x]
  "two",
]
text = """
[not.a.table]
not_a_key = 1
"""
inline = {x = 1, y = {z = 2}}

[[e]]
n = 1
[e.f]
m = 2
[[e]]
n = 3
[e.f]
m = 4
[[e.g]]
k = 5
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("a", "b"), 4),
        (("a", "b", "quoted key"), 5),
        (("a", "b", "c", "d"), 6),
        (("a", "b", "list"), 7),
        (("a", "b", "list", 1), 7),
        (("a", "b", "text"), 11),
        (("a", "b", "inline", "y", "z"), 15),
        (("e", 0), 17),
        (("e", 0, "n"), 18),
        (("e", 0, "f", "m"), 20),
        (("e", 1), 21),
        (("e", 1, "n"), 22),
        (("e", 1, "f", "m"), 24),
        (("e", 1, "g", 0, "k"), 26),
        (("e", 1, "absent"), 21),
        (("nowhere",), None),
        ((), None),
    ],
)
def test_a_key_is_found_on_its_line(path: tuple[str | int, ...], line: int | None) -> None:
    assert line == Lines(TEXT).of(path)


KEYS = st.text('abc.-_ñ" ', min_size=1, max_size=6)
VALUES = st.one_of(
    st.integers(), st.booleans(), st.text(max_size=20), st.lists(st.integers(), max_size=3)
)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=8))
def test_any_file_with_one_key_per_line_is_located(table: dict[str, object]) -> None:
    text = "\n".join(f"{_quoted(key)} = {_written(value)}" for key, value in table.items())
    tomllib.loads(text)
    lines = Lines(text)

    assert list(range(1, len(table) + 1)) == [lines.of((key,)) for key in table]


def _quoted(text: str) -> str:
    escaped = "".join(f"\\u{ord(c):04x}" if ord(c) < 65536 else f"\\U{ord(c):08x}" for c in text)
    return f'"{escaped}"'


def _written(value: object) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
