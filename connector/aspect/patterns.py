r"""What a regular expression asks for, said as a kind of value that people know.

A pattern is recognised by what it accepts, not by how it is written: one that accepts a UUID
and neither a date nor rubbish asks for a UUID, whoever wrote it. Patterns have the meaning of
ECMA 262, as JSON Schema says: ``\d`` and ``\w`` are ASCII, ``$`` is the very end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from connector.aspect.datatypes import PATTERNS

_TOKEN = re.compile(r"\\.|\[\^?\]?|\]|\$|[^\\\[\]$]+", re.DOTALL)
_ASCII = {r"\d": "0-9", r"\w": "A-Za-z0-9_"}
_CHOICES = re.compile(r"\^?\(\^?([^()\[\].*?{}$]+)\$?\)\$?")
_CHOICE = re.compile(r"[\w .:-]*(?:\\w\+)?")
_ANCHORED = re.compile(r"\^\(\?:(.*)\)\$", re.DOTALL)
_RUBBISH = ("", "?", "#", "rubbish !", "0000", "AAAA")
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a pattern asks for: the code of the text that says so, and an example of it.

    Where many things have that form, ``named`` is a word that the property's name must hold.
    """

    code: str
    example: str
    named: str = ""


_SAMPLES: tuple[Asked, ...] = (
    Asked("aspect:value_no_datetime", "2026-03-17T06:12:09Z"),
    Asked("aspect:value_no_date", "2026-03-17"),
    Asked("aspect:value_no_uuid", "urn:uuid:7d1b7a52-8f6e-4f0e-9c57-1f6a1c9f1c11"),
    Asked("aspect:value_no_uuid", "7d1b7a52-8f6e-4f0e-9c57-1f6a1c9f1c11"),
    Asked("aspect:value_no_bpnl", "BPNL00000000PUE1"),
    Asked("aspect:value_no_bpns", "BPNS00000000PUE1"),
    Asked("aspect:value_no_bpna", "BPNA00000000PUE1"),
    Asked("aspect:value_no_country", "MEX", "country"),
    Asked("aspect:value_no_country", "MX", "country"),
    Asked("aspect:value_no_subdivision", "MX-PUE", "subdivision"),
)

EXAMPLES = tuple(asked.example for asked in _SAMPLES)


def matches(pattern: str, text: str) -> bool:
    """Tell whether a text holds a match of a pattern of ECMA 262.

    Raises:
        re.error: the pattern is none.

    """
    return _compiled(pattern).search(text) is not None


@lru_cache(maxsize=1024)
def what_is_asked(pattern: str) -> Asked | None:
    """Return what a pattern asks for, or None where no common kind of value fits it."""
    if pattern == PATTERNS["samm:curie"]:
        return Asked("aspect:value_no_unit", "unit:piece")
    if any(matches(pattern, text) for text in _RUBBISH):
        return None
    accepted = [asked for asked in _SAMPLES if matches(pattern, asked.example)]
    codes = {asked.code for asked in accepted}
    if codes == {"aspect:value_no_datetime", "aspect:value_no_date"}:
        return Asked("aspect:value_no_date_or_datetime", accepted[0].example)
    return accepted[0] if len(codes) == 1 else None


def anchored(pattern: str) -> str:
    """Return a pattern that the whole text must match; one that asks for it stays as it is."""
    whole = pattern.startswith("^") and pattern.endswith("$") and not pattern.endswith(r"\$")
    return pattern if whole and "|" not in pattern else f"^(?:{pattern})$"


def as_written(pattern: str) -> str:
    """Return the pattern that was anchored, as the model has it."""
    found = _ANCHORED.fullmatch(pattern)
    return found[1] if found else pattern


def zone_is_missing(pattern: str, text: str) -> bool:
    """Tell whether a text would match if only it had a time zone."""
    return bool(_LOCAL_TIME.fullmatch(text)) and matches(pattern, f"{text}Z")


def choices(pattern: str) -> tuple[str, ...]:
    """Return the words that a pattern lists, a free ending as ``…``; empty if it lists none."""
    listed = _CHOICES.fullmatch(pattern)
    words = listed[1].split("|") if listed else []
    if not words or not all(_CHOICE.fullmatch(word) for word in words):
        return ()
    return tuple(word.replace(r"\w+", "…") for word in words)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    written, in_class = [], False
    for part in _TOKEN.findall(pattern):
        if part.startswith("[") and not in_class:
            in_class = True
        elif part == "]":
            in_class = False
        written.append(_in_python(part, in_class=in_class))
    return re.compile("".join(written))


def _in_python(part: str, *, in_class: bool) -> str:
    ascii_only = _ASCII.get(part.lower())
    if ascii_only and in_class:
        return ascii_only if part in _ASCII else part
    if ascii_only:
        return f"[{'' if part in _ASCII else '^'}{ascii_only}]"
    return r"\Z" if part == "$" and not in_class else part
