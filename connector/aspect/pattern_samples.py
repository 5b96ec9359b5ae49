"""Make texts that match a pattern of ECMA 262, for examples.

What is made is a proposal: look-arounds and references are skipped, so whoever uses a text
matches it first.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_LETTERS = string.ascii_letters + string.digits + "_"
_PRINTABLE = "a1A" + string.printable[:95]
_CLASSES = {"d": string.digits, "w": _LETTERS, "s": " ", "D": "aA-", "W": "- .", "S": "a1A"}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_HEX_DIGITS = {"x": 2, "u": 4}
_STRETCHES = (1, 0, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 100, 128, 200, 255)
_TURNS = 12
_CHOICES = 3
_MANY = 1000
_LENGTH_MAX = 100_000


class _Dice:
    """Takes one choice after the other from a number, so that counting tries them all."""

    def __init__(self, number: int) -> None:
        self._number = number

    def pick(self, choices: int) -> int:
        self._number, chosen = divmod(self._number, choices)
        return chosen


_Make = Callable[[_Dice, int], str]


def samples(pattern: str) -> Iterator[str]:
    """Yield texts that probably match, different ones first; none for what is no pattern."""
    try:
        make = _Reader(pattern).whole()
    except ValueError:
        return
    said: set[str] = set()
    for stretch in _STRETCHES:
        for turn in range(_TURNS):
            text = make(_Dice(turn), stretch)
            if text not in said:
                said.add(text)
                yield text


@dataclass(slots=True)
class _Reader:
    """Reads a pattern from left to right into what makes a text of it."""

    pattern: str
    at: int = field(default=0)

    def whole(self) -> _Make:
        made = self._choice()
        if self.at < len(self.pattern):
            raise ValueError(self.pattern)
        return made

    def _choice(self) -> _Make:
        ways = [self._sequence()]
        while self._next("|"):
            ways.append(self._sequence())
        if len(ways) == 1:
            return ways[0]
        return lambda dice, stretch: ways[dice.pick(len(ways))](dice, stretch)

    def _sequence(self) -> _Make:
        parts: list[_Make] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            parts.append(self._repeated(self._atom()))
        return lambda dice, stretch: "".join(part(dice, stretch) for part in parts)

    def _atom(self) -> _Make:
        sign = self._take()
        if sign == "(":
            return self._group()
        if sign == "[":
            return _one_of(self._class())
        if sign == "\\":
            return _one_of(self._escaped())
        return _one_of({"^": "", "$": "", ".": "a1 "}.get(sign, sign))

    def _group(self) -> _Make:
        skipped = False
        if self._next("?"):
            skipped = self._next("=", "!", "<=", "<!")
            if self._next("<"):
                self.at = self.pattern.index(">", self.at) + 1
            elif not skipped and not self._next(":"):
                raise ValueError(self.pattern)
        made = self._choice()
        if not self._next(")"):
            raise ValueError(self.pattern)
        return _nothing if skipped else made

    def _class(self) -> str:
        negated = self._next("^")
        found = ""
        while not self._next("]"):
            sign = self._take()
            first = self._escaped() if sign == "\\" else sign
            if self._at("-") and self.pattern[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                last = self._take()
                last = self._escaped() if last == "\\" else last
                found += _between(first, last)
            else:
                found += first
        return "".join(c for c in _PRINTABLE if c not in found) if negated else found

    def _escaped(self) -> str:
        sign = self._take()
        if sign in _HEX_DIGITS:
            digits = self.pattern[self.at : self.at + _HEX_DIGITS[sign]]
            self.at += len(digits)
            return chr(int(digits, 16))
        if sign in "bB":
            return ""
        return _CLASSES.get(sign) or _CONTROLS.get(sign) or sign

    def _repeated(self, made: _Make) -> _Make:
        bounds = self._bounds()
        if bounds is None:
            return made
        least, most = bounds
        self._next("?")

        def repeat(dice: _Dice, stretch: int) -> str:
            text = ""
            for _ in range(min(max(least, stretch), most)):
                text += made(dice, stretch)
                if len(text) > _LENGTH_MAX:
                    break
            return text

        return repeat

    def _bounds(self) -> tuple[int, int] | None:
        for sign, bounds in (("*", (0, _MANY)), ("+", (1, _MANY)), ("?", (0, 1))):
            if self._next(sign):
                return bounds
        if not self._next("{"):
            return None
        end = self.pattern.index("}", self.at)
        least, comma, most = self.pattern[self.at : end].partition(",")
        self.at = end + 1
        return int(least), int(most) if most else (_MANY if comma else int(least))

    def _take(self) -> str:
        if self.at >= len(self.pattern):
            raise ValueError(self.pattern)
        self.at += 1
        return self.pattern[self.at - 1]

    def _at(self, sign: str) -> bool:
        return self.pattern.startswith(sign, self.at)

    def _next(self, *signs: str) -> bool:
        """Step over one of these, if it comes next."""
        for sign in signs:
            if self._at(sign):
                self.at += len(sign)
                return True
        return False


def _one_of(signs: str) -> _Make:
    if not signs:
        return _nothing
    return lambda dice, _: signs[dice.pick(min(_CHOICES, len(signs)))]


def _nothing(_dice: _Dice, _stretch: int) -> str:
    return ""


def _between(first: str, last: str) -> str:
    if len(first) != 1 or len(last) != 1:
        return f"{first}-{last}"
    return "".join(map(chr, range(ord(first), min(ord(last), ord(first) + 128) + 1)))
