"""A model as a page for people: its properties as a tree, what they demand, and an example."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape as html

from rich.json import JSON
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from connector.aspect.difference import say_limit, values_of
from connector.aspect.example import example_of
from connector.aspect.outline import Line, outline
from connector.aspect.semantics import AspectModel, Kind
from connector.cli.console import console
from connector.cli.labels import label
from connector.cli.output import show_json
from connector.errors import DataError

_COLUMNS = ("name", "type", "required", "limits", "example", "description")
_VALUES_MAX = 12
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { margin-bottom: 0; }
code, pre, td:first-child { font-family: ui-monospace, monospace; font-size: .9em; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .3rem .6rem; text-align: left; \
vertical-align: top; }
th { position: sticky; top: 0; background: Canvas; }
td:nth-child(4) { max-width: 22rem; overflow-wrap: anywhere; }
pre { background: #8881; padding: 1rem; overflow: auto; }
"""


def show_page(model: AspectModel, language: str, *, as_json: bool) -> None:
    """Print the page in the terminal, or its facts as JSON."""
    if as_json:
        show_json(_plain(model))
        return
    paper = console()
    paper.print(f"[bold]{escape(_title(model))}[/]  [dim]{escape(model.semantic_id)}[/]")
    paper.print(Padding(escape(model.description), (0, 0, 1, 0)))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in _COLUMNS:
        wide = column in {"limits", "description"}
        table.add_column(label(f"heading_{column}", language), overflow="fold", no_wrap=not wide)
    for line in outline(model):
        table.add_row(*map(escape, _cells(line, language, "  ")))
    paper.print(table)
    paper.print(f"\n[bold]{label('models_example', language)}[/]")
    paper.print(JSON(_example(model)))


def html_page(model: AspectModel, language: str) -> str:
    """Return the page as one HTML file that needs nothing else."""
    heads = "".join(f"<th>{html(label(f'heading_{c}', language))}</th>" for c in _COLUMNS)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{html(cell)}</td>" for cell in _cells(line, language, "\u2003"))
        + "</tr>"
        for line in outline(model)
    )  # fmt: skip
    return "\n".join(
        (
            f'<!doctype html>\n<html lang="{language}">\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{html(_title(model))}</title>\n<style>{_STYLE}</style>",
            f"<h1>{html(_title(model))}</h1>\n<p><code>{html(model.semantic_id)}</code></p>",
            f"<p>{html(model.description)}</p>",
            f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>",
            f"<h2>{html(label('models_example', language))}</h2>",
            f"<pre>{html(_example(model))}</pre>\n</html>",
        )
    )


def _title(model: AspectModel) -> str:
    return f"{model.semantic_id.aspect_name} {model.semantic_id.version}"


def _example(model: AspectModel) -> str:
    try:
        return json.dumps(example_of(model, full=True), indent=2, ensure_ascii=False)
    except DataError:
        return "{}"


def _cells(line: Line, language: str, indent: str) -> tuple[str, ...]:
    declared = line.declared
    repeats = f" ({label('models_repeats', language)})" if line.repeats else ""
    return (
        f"{indent * line.depth}{line.name}",
        _type(line, language) + repeats,
        label("yes" if declared.required else "no", language),
        "; ".join(_demands(line, language)),
        "" if declared.example is None else str(declared.example),
        declared.description,
    )


def _type(line: Line, language: str) -> str:
    kind = label(f"kind_{line.declared.item_kind.value}", language)
    if line.declared.kind is not Kind.LIST:
        return kind
    unique = line.declared.characteristic.bare.unique
    return label("kind_set_of" if unique else "kind_list_of", language, kind=kind)


def _demands(line: Line, language: str) -> Iterator[str]:
    values = values_of(line.declared.characteristic)
    if values:
        more = ", …" if len(values) > _VALUES_MAX else ""
        yield ", ".join(values[:_VALUES_MAX]) + more
    if unit := line.declared.characteristic.item.bare.unit:
        yield label("models_unit", language, unit=unit.removeprefix("unit:"))
    yield from map(say_limit, line.limits)


def _plain(model: AspectModel) -> Mapping[str, object]:
    properties = [
        {
            "path": line.path,
            "urn": line.declared.urn,
            "type": line.declared.kind.value,
            "item_type": line.declared.item_kind.value,
            "required": line.declared.required,
            "values": values_of(line.declared.characteristic),
            "limits": [say_limit(limit) for limit in line.limits],
            "example": line.declared.example,
            "description": line.declared.description,
            "repeats": line.repeats,
        }
        for line in outline(model)
    ]
    described = {"urn": model.semantic_id, "description": model.description}
    return {**described, "properties": properties, "example": json.loads(_example(model))}
