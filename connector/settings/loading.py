"""The way in: reads eslabon.toml and reports every mistake of it at once."""

from __future__ import annotations

import errno
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path as FilePath
from typing import cast

from connector.errors import Finding, Location, Severity
from connector.settings import overrides
from connector.settings.checks import cross_problems
from connector.settings.lines import Lines, Path
from connector.settings.sections import ConfigurationFile
from connector.settings.shape import Problem, Shape
from connector.settings.sources import anchored
from connector.settings.values import Settings

FILE_NAME = "eslabon.toml"
FILE_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Places:
    """Where each value of the document comes from: a line of the file, or a variable."""

    file: FilePath
    lines: Lines
    origins: Mapping[Path, str]

    def finding(self, problem: Problem) -> Finding:
        """Return a problem as a finding that says where to mend it."""
        pointer = "".join(f"/{_escaped(str(step))}" for step in problem.path)
        where = Location(str(self.file), self.lines.of(problem.path))
        for length in range(len(problem.path), 0, -1):
            variable = self.origins.get(problem.path[:length])
            where = where if variable is None else Location(variable)
        return Finding(problem.code, problem.params, where, pointer, problem.severity)


@dataclass(frozen=True, slots=True)
class Examination:
    """What came of reading the file.

    ``settings`` are None where a value could not be read. ``shown`` are settings all the
    same, with examples in place of such values: good for further checks of what is right
    in itself, and for nothing else.
    """

    findings: list[Finding]
    settings: Settings | None = None
    shown: Settings | None = None


def load_settings(
    file: FilePath, environment: Mapping[str, str]
) -> tuple[Settings | None, list[Finding]]:
    """Read the file and apply the overrides; return the settings and all findings.

    Settings are there even where findings are errors, as long as every value could be read:
    a caller that wants to run asks `errors` first. A finding's ``where`` holds file and
    line, or the variable that set the value. Warnings are findings too.
    """
    examination = examine(file, environment)
    return examination.settings, examination.findings


def examine(file: FilePath, environment: Mapping[str, str]) -> Examination:
    """Read the file like `load_settings`, and show as much of it as can be shown."""
    try:
        text = _text(file)
        document = tomllib.loads(text)
    except OSError as error:
        params = {"file": file, "reason": error.strerror}
        return Examination([Finding("settings:no_configuration", params, Location(str(file)))])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return Examination([_not_toml(file, error)])
    shape = Shape(ConfigurationFile)
    changed, origins = overrides.apply(document, environment, cast("Shape[object]", shape))
    places = _Places(file, Lines(text), origins)
    problems = shape.problems(changed)
    shown = _shown(file, changed, environment, shape, problems)
    further = _further(shown, problems) if shown else []
    found = [places.finding(p) for p in (*problems, *further, *_lost(changed, origins))]
    findings = sorted(found, key=lambda finding: finding.where.row or 0)
    return Examination(findings, None if problems else shown, shown)


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Return those findings that forbid to run."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def _shown(
    file: FilePath,
    document: object,
    environment: Mapping[str, str],
    shape: Shape[ConfigurationFile],
    problems: list[Problem],
) -> Settings | None:
    mended = shape.mended(document, problems) if problems else document
    if problems and shape.problems(mended):
        return None
    return _settings(file, shape.convert(mended), environment)


def _further(shown: Settings, problems: Iterable[Problem]) -> list[Problem]:
    """Return what is wrong beyond the shape; what stands on mended ground is not reported."""
    wrong = {problem.path for problem in problems}
    return [found for found in cross_problems(shown) if not _touches(found.path, wrong)]


def _settings(
    file: FilePath, content: ConfigurationFile, environment: Mapping[str, str]
) -> Settings:
    folder = file.absolute().parent
    held = cast("ConfigurationFile", anchored(content, folder))
    sections = {section.name: getattr(held, section.name) for section in fields(held)}
    return Settings(file=file.absolute(), environment=environment, **sections)


def _touches(path: Path, wrong: Iterable[Path]) -> bool:
    return any(path[: len(w)] == w or w[: len(path)] == path for w in wrong)


def _lost(document: object, origins: Mapping[Path, str]) -> list[Problem]:
    """Return the overrides that found no place in the document."""
    return [
        Problem(path, "settings:override_lost", {"variable": variable})
        for path, variable in origins.items()
        if not _holds(document, path)
    ]


def _holds(document: object, path: Path) -> bool:
    at = document
    for step in path:
        known = range(len(at)) if isinstance(at, list) else at if isinstance(at, dict) else ()
        if step not in known:
            return False
        at = cast("dict[str | int, object]", at)[step]
    return True


def _text(file: FilePath) -> str:
    if file.stat().st_size > FILE_BYTES_MAX:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return file.read_text(encoding="utf-8-sig")


def _not_toml(file: FilePath, error: ValueError) -> Finding:
    row = getattr(error, "lineno", None) or _line_in(str(error))
    params = {"file": file, "reason": str(error)}
    return Finding("settings:not_toml", params, Location(str(file), row))


def _line_in(message: str) -> int | None:
    _, found, rest = message.partition("(at line ")
    return int(rest.split(",", 1)[0]) if found and rest.split(",", 1)[0].isdigit() else None


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
