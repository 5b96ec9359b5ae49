"""Take a folder tree of models into the installation: all of it, or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.aspect.library import ModelLibrary
from connector.aspect.samm.turtle import read_turtle
from connector.cli.output import plain_finding
from connector.errors import Finding, SetupError


@dataclass(frozen=True, slots=True)
class Added:
    """How many files came into the target folder; nothing where there are findings."""

    target: Path
    new: int = 0
    replaced: int = 0
    same: int = 0
    findings: tuple[Finding, ...] = ()

    def plain(self, language: str) -> Mapping[str, object]:
        """Return this as JSON shows it."""
        return {
            "folder": str(self.target),
            "new": self.new,
            "replaced": self.replaced,
            "same": self.same,
            "findings": [plain_finding(finding, language) for finding in self.findings],
        }


def add_models(folder: Path, target: Path, known: Sequence[Path]) -> Added:
    """Check all models of a folder tree, then copy its Turtle files to the target.

    ``known`` are the folders that models may rest on beside their own.

    Raises:
        SetupError: there is no such folder, it holds no models, or the target takes none.

    """
    files = sorted(folder.glob("*/*/*.ttl"))
    if not folder.is_dir():
        raise SetupError("cli:models_no_folder", folder=folder)
    if not files:
        raise SetupError("cli:models_no_tree", folder=folder)
    findings = tuple(_mistakes(folder, files, known))
    if findings:
        return Added(target, findings=findings)
    try:
        fates = [_copied(path, target / path.relative_to(folder)) for path in files]
    except OSError as error:
        raise SetupError("cli:models_not_written", folder=target, reason=error) from error
    new, replaced, same = (fates.count(fate) for fate in ("new", "replaced", "same"))
    return Added(target, new, replaced, same)


def _mistakes(folder: Path, files: Sequence[Path], known: Sequence[Path]) -> Iterator[Finding]:
    broken = False
    for path in files:
        try:
            read_turtle(path)
        except SetupError as error:
            broken = True
            yield Finding(error.code, error.params)
    if broken:  # who rests on a broken file would only say so again
        return
    library = ModelLibrary([folder, *known])
    for semantic_id in ModelLibrary([folder]).list():
        try:
            library.get(semantic_id).is_valid({})
        except SetupError as error:
            yield Finding(error.code, error.params)


def _copied(source: Path, target: Path) -> str:
    content = source.read_bytes()
    if target.is_file() and target.read_bytes() == content:
        return "same"
    fate = "replaced" if target.exists() else "new"
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(target)
    return fate
