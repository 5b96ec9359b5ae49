"""The catalogue of every sentence that a user reads, in English and Spanish.

A text is named by a code ``package:key`` and lies beside the code that says it, in
``texts.en.toml`` and ``texts.es.toml`` of that package. ``record:file_empty`` is the key
``file_empty`` of ``connector.record``; a package outside the house, such as an adapter, is
named in full: ``adapters.mqtt:broker_refused``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

LANGUAGES = ("en", "es")


@dataclass(frozen=True, slots=True)
class Text:
    """One message in one language: what happened, why, and what mends it."""

    what: str
    why: str = ""
    fix: str = ""

    def __str__(self) -> str:
        """Render as the indented block that terminals and logs show."""
        lines = [self.what]
        lines += [f"  why: {self.why}"] if self.why else []
        lines += [f"  fix: {self.fix}"] if self.fix else []
        return "\n".join(lines)


class _Lenient(dict[str, object]):
    """Parameters of a text; one that is missing shows as its own name, never as a crash."""

    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def language_of(environment: Mapping[str, str] | None = None) -> str:
    """Choose the language from ``LC_ALL``, ``LC_MESSAGES`` or ``LANG``; English if unknown."""
    env = os.environ if environment is None else environment
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if env.get(name):
            return "es" if env[name].lower().startswith("es") else "en"
    return "en"


def say(code: str, language: str = "en", **params: object) -> Text:
    """Return the text of ``code`` with its placeholders filled.

    A code that the catalogue lacks is shown with its parameters instead of failing: a
    message that cannot be worded must not hide the trouble that it reports.
    """
    entry = _entry(code, language) or _entry(code, "en")
    if entry is None:
        return Text(f"{code} {dict(params)}" if params else code)
    filled = {part: text.format_map(_Lenient(params)) for part, text in entry.items()}
    return Text(filled["what"], filled.get("why", ""), filled.get("fix", ""))


def word(code: str, language: str = "en", **params: object) -> str:
    """Return a short text such as a label or a heading: the ``what`` of its entry."""
    return say(code, language, **params).what


def catalogue(package: str, language: str) -> Mapping[str, Mapping[str, str]]:
    """Return all texts of a package in one language, keyed as in its file."""
    return _catalogue(_full(package), language)


def _entry(code: str, language: str) -> Mapping[str, str] | None:
    package, _, key = code.partition(":")
    return _catalogue(_full(package), language).get(key)


def _full(package: str) -> str:
    return package if "." in package or package == "connector" else f"connector.{package}"


@cache
def _catalogue(package: str, language: str) -> Mapping[str, Mapping[str, str]]:
    try:
        file = resources.files(package).joinpath(f"texts.{language}.toml")
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (ModuleNotFoundError, FileNotFoundError, TypeError):
        return {}
    return {k: {"what": v} if isinstance(v, str) else v for k, v in raw.items()}
