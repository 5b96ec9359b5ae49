"""``eslabon models``: what is known of aspect models, as list, page, schema, example or guide."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from connector.aspect.dialect import in_2020_12
from connector.aspect.difference import Difference, differences
from connector.aspect.drafts import Draft
from connector.aspect.example import example_of
from connector.aspect.library import CompiledModel, ModelLibrary, shipped_folder
from connector.aspect.rdf.forms import Form
from connector.cli.asking import Asked
from connector.cli.console import console
from connector.cli.labels import label
from connector.cli.lift import lift_payload
from connector.cli.migrate import migrate_payload
from connector.cli.model_adding import add_models
from connector.cli.model_checking import check_payloads
from connector.cli.model_page import html_page, show_page
from connector.cli.output import FINDINGS, OK, show_findings, show_json
from connector.errors import DataError, SetupError
from connector.identifiers import SemanticId
from connector.settings.loading import examine
from connector.settings.values import MODELS_NAME
from connector.telemetry import configure_logging
from connector.texts import word


def carry_out_list(asked: Asked, *, models: Sequence[Path]) -> int:
    """List all models with their files, and which of them stand in front of others."""
    places = _library(asked, models).places()
    if asked.as_json:
        show_json([_listed(semantic_id, files) for semantic_id, files in sorted(places.items())])
        return OK
    table = Table(box=None, pad_edge=False)
    for heading in ("urn", "origin"):
        table.add_column(label(f"heading_{heading}", asked.language), overflow="fold")
    for semantic_id, files in sorted(places.items()):
        table.add_row(escape(semantic_id), escape(_origin(files, asked.language)))
    console().print(table)
    click.echo(word("cli:models_counted", asked.language, count=len(places)))
    return OK


def carry_out_show(asked: Asked, *, models: Sequence[Path], urn: str, html: bool) -> int:
    """Show a model as a page, in the terminal or as HTML."""
    model = _model(asked, models, urn).model
    if html:
        click.echo(html_page(model, asked.language))
    else:
        show_page(model, asked.language, as_json=asked.as_json)
    return OK


def carry_out_add(asked: Asked, *, models: Sequence[Path], folder: Path) -> int:
    """Copy a folder tree of models into the installation, if every one of them is whole."""
    configure_logging(sys.stderr, level=logging.ERROR)
    known = (*_folders(asked, models), shipped_folder())
    added = add_models(folder, _target(asked), known)
    if asked.as_json:
        show_json(added.plain(asked.language))
    elif added.findings:
        show_findings(added.findings, asked.language, to_stderr=True)
        click.echo(word("cli:models_not_added", asked.language, count=len(added.findings)))
    else:
        counts = {"new": added.new, "replaced": added.replaced, "same": added.same}
        click.echo(word("cli:models_added", asked.language, folder=added.target, **counts))
    return FINDINGS if added.findings else OK


def carry_out_schema(
    asked: Asked, *, models: Sequence[Path], urn: str, draft: str | None, strict: bool
) -> int:
    """Print the JSON Schema of a model and nothing else."""
    model = _model(asked, models, urn)
    schema = model.strict.schema if strict else model.schema
    newer = draft and Draft(draft) is Draft.DRAFT_2020_12
    show_json(in_2020_12(schema) if newer else schema)
    return OK


def carry_out_example(asked: Asked, *, models: Sequence[Path], urn: str, full: bool) -> int:
    """Print a payload that satisfies a model."""
    model = _model(asked, models, urn)
    show_json(example_of(model.model, full=full))
    return OK


def carry_out_diff(asked: Asked, *, models: Sequence[Path], urn: str, newer: str) -> int:
    """Show what changed from one model to another."""
    library = _library(asked, models)
    old, new = (library.get(_parsed(name)).model for name in (urn, newer))
    found = differences(old, new)
    if asked.as_json:
        changes = [_plain_difference(one) for one in found]
        show_json({"from": old.semantic_id, "to": new.semantic_id, "changes": changes})
    else:
        _show_differences(found, asked.language)
    return OK


def carry_out_check(
    asked: Asked,
    *,
    models: Sequence[Path],
    model: str | None,
    strict: bool,
    files: Sequence[Path],
) -> int:
    """Judge payloads in files; 1 where any is invalid."""
    if not model:
        raise SetupError("cli:models_which")
    compiled = _model(asked, models, model)
    judge = compiled.strict if strict else compiled
    return OK if check_payloads(files, judge.findings, asked) else FINDINGS


def carry_out_lift(
    asked: Asked, *, models: Sequence[Path], file: Path, model: str | None, to: str | None
) -> int:
    """Write a payload as RDF; 1 where it is invalid."""
    if not model:
        raise SetupError("cli:models_which")
    form = Form(to) if to else Form.TURTLE
    return lift_payload(asked, file, _model(asked, models, model), form)


def carry_out_migrate(
    asked: Asked, *, models: Sequence[Path], file: Path, model: str | None, to: str | None
) -> int:
    """Write a payload in another version of its model; 1 where something is missing or wrong."""
    if not to:
        raise SetupError("cli:models_which_target")
    source, target = _parsed(model) if model else None, _parsed(to)
    library = _library(asked, models)
    return migrate_payload(asked, file, library.get(target), source, library)


def _library(asked: Asked, models: Sequence[Path]) -> ModelLibrary:
    configure_logging(sys.stderr, level=logging.ERROR)
    return ModelLibrary([*_folders(asked, models), shipped_folder()])


def _folders(asked: Asked, models: Sequence[Path]) -> tuple[Path, ...]:
    """Return the folders of the call, then those of the installation, if there is one."""
    for folder in models:
        if not folder.is_dir():
            raise SetupError("cli:models_no_folder", folder=folder)
    shown = examine(asked.config, os.environ).shown if asked.config.is_file() else None
    beside = asked.config.parent / MODELS_NAME
    own = shown.model_folders if shown else ((beside,) if beside.is_dir() else ())
    return (*models, *own)


def _target(asked: Asked) -> Path:
    shown = examine(asked.config, os.environ).shown if asked.config.is_file() else None
    named = shown.models.folders if shown else ()
    return named[0] if named else asked.config.parent / MODELS_NAME


def _model(asked: Asked, models: Sequence[Path], urn: str) -> CompiledModel:
    return _library(asked, models).get(_parsed(urn))


def _parsed(urn: str) -> SemanticId:
    try:
        return SemanticId.parse(urn)
    except DataError as error:
        raise SetupError(error.code, **error.params) from error


def _listed(semantic_id: SemanticId, files: Sequence[Path]) -> Mapping[str, object]:
    return {
        "urn": semantic_id,
        "file": str(files[0]),
        "shipped": files[0].is_relative_to(shipped_folder()),
        "wins_over": [str(path) for path in files[1:]],
    }


def _origin(files: Sequence[Path], language: str) -> str:
    if files[0].is_relative_to(shipped_folder()):
        return word("cli:models_shipped", language)
    root = files[0].parents[2]
    if any(path.is_relative_to(shipped_folder()) for path in files[1:]):
        return word("cli:models_own_wins", language, folder=root)
    return str(root)


def _plain_difference(of: Difference) -> Mapping[str, object]:
    return {
        "change": of.change.value,
        "path": of.path,
        "before": of.before,
        "after": of.after,
        "breaks": of.breaks,
    }


def _show_differences(found: Sequence[Difference], language: str) -> None:
    for breaking, key in ((True, "models_breaking"), (False, "models_harmless")):
        of_kind = [one for one in found if one.breaks is breaking]
        if not of_kind:
            continue
        click.echo(click.style(label(key, language), bold=True))
        for one in of_kind:
            params = {"path": one.path, "before": one.before, "after": one.after}
            click.echo("  " + label(f"change_{one.change.value}", language, **params))
    if not found:
        click.echo(word("cli:models_same", language))
