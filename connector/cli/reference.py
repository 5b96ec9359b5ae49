"""The reference pages of settings and commands, and the schema for editors, all generated.

``python -m connector.cli.reference`` writes them; a test compares them with what they should
be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import click

from connector.cli.commands import PROGRAM, build_cli
from connector.offer.vocabulary import OPERANDS
from connector.settings.sections import ConfigurationFile
from connector.settings.shape import Schema, Shape

COLUMNS = 96
DATE_PATTERN = r"^\d{4}-\d{2}-\d{2}"
OPERATORS = {operator for operand in OPERANDS.values() for operator in operand.operators}
MADE_BY = "<!-- Generated: python -m connector.cli.reference -->"

_SETTINGS_TOP = f"""\
{MADE_BY}

# Settings

One file, `eslabon.toml`, says everything; `eslabon init` writes one with comments, and
`eslabon check` finds every mistake in it at once. An unknown key is a mistake. Paths are
relative to the file. Editors that know JSON Schema can complete and check it with
[eslabon.schema.json](../../schemas/eslabon.schema.json).

**Environment.** Any value can be set from outside: `ESLABON_PUBLIC__PORT=9000` wins over
`port` under `[public]`. Two underscores part table and key; a table that stands several times
is named by its `name`, as in `ESLABON_PARTNER__OEM__DID`. Texts are taken as they are, all
else is read as TOML.

**Secrets.** A password or token of a source never stands in the file. It is named:
`password = {{file = "keys/broker.secret"}}`, or `password = {{env = "BROKER_PASSWORD"}}`.

**Sources.** What may stand under `[feed.source]` is up to the adapter: see the README of each
in [adapters/](../../adapters/README.md).
"""

_COMMANDS_TOP = {
    "en": f"""\
{MADE_BY}

# Commands

Every command answers in Spanish too: `--lang es`, or `LANG`.
""",
    "es": f"""\
{MADE_BY}

# Comandos

Cada comando responde también en inglés: `--lang en`, o `LANG`.
""",
}


def pages(root: Path) -> dict[Path, str]:
    """Return every generated file under the project's root with what it should hold."""
    return {
        root / "docs" / "reference" / "settings.md": settings_page(),
        root / "docs" / "reference" / "cli.md": commands_page("en"),
        root / "docs" / "reference" / "cli.es.md": commands_page("es"),
        root / "schemas" / "eslabon.schema.json": schema_text(),
    }


def schema_text() -> str:
    """Return the JSON Schema of eslabon.toml, for editors."""
    schema = {**Shape(ConfigurationFile).schema, "title": "eslabon.toml"}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def settings_page() -> str:
    """Return the page of all tables and keys of eslabon.toml."""
    shape = Shape(ConfigurationFile)
    whole = shape.part(())
    required = cast("list[str]", whole.get("required", []))
    names = cast("Schema", whole["properties"])
    sections = ("\n".join(_section(shape, name, needed=name in required)) for name in names)
    return "\n".join([_SETTINGS_TOP, *sections])


def commands_page(language: str) -> str:
    """Return the page of all commands with their help."""
    group = build_cli(language)
    said = [f"## {path}\n\n```\n{text}\n```\n" for path, text in _helps(group, PROGRAM)]
    return "\n".join([_COMMANDS_TOP[language], *said])


def main() -> None:
    """Write all generated files of the checkout in which this is run."""
    for path, text in pages(Path.cwd()).items():
        path.write_text(text, encoding="utf-8")
        click.echo(path)


def _section(shape: Shape[ConfigurationFile], name: str, *, needed: bool) -> Iterator[str]:
    section = shape.part((name,))
    heading = f"[{name}]"
    if section.get("type") == "array":
        section, heading = shape.part((name, 0)), f"[[{name}]]"
    elif "properties" not in section:
        section, heading = shape.part((name, "NAME")), f"[{name}.NAME]"
    yield f"## {heading}{' (needed)' if needed else ''}\n"
    yield f"{section.get('description', '')}\n"
    yield "| key | value | default | meaning |\n|---|---|---|---|"
    required = cast("list[str]", section.get("required", []))
    tables: dict[str, Schema] = {}
    for key, raw in cast("dict[str, Schema]", section["properties"]).items():
        default = "**needed**" if key in required else _default(raw)
        yield f"| `{key}` | {_kind(raw)} | {default} | {raw.get('description', '')} |"
        if "properties" in raw:
            tables[key] = raw
    yield ""
    for key, raw in tables.items():
        yield from _table(f"{heading.rstrip(']')}.{key}]", raw)


def _table(heading: str, table: Schema) -> Iterator[str]:
    """Yield the keys of a table inside a table; none of them is needed."""
    yield f"### {heading}\n"
    yield f"{table.get('description', '')}\n"
    yield "| key | value | meaning |\n|---|---|---|"
    for key, raw in cast("dict[str, Schema]", table["properties"]).items():
        if not raw.get("deprecated"):
            yield f"| `{key}` | {_kind(raw)} | {raw.get('description', '')} |"
    yield ""


def _kind(raw: Schema) -> str:
    if "enum" in raw:
        return " or ".join(f"`{choice}`" for choice in cast("list[str]", raw["enum"]))
    if raw.get("type") == "array":
        items = cast("Schema", raw.get("items", {}))
        return f"list of {_kind(items)}" if "enum" in items else "list of texts"
    inner = cast("dict[str, Schema]", raw.get("properties", {}))
    if inner and set(inner) <= OPERATORS:
        return "; ".join(f"`.{key}` = {_kind(one)}" for key, one in inner.items())
    return _plain_kind(raw)


def _plain_kind(raw: Schema) -> str:
    if raw.get("format") == "date" or str(raw.get("pattern", "")).startswith(DATE_PATTERN):
        return "date"
    limits = [raw[k] for k in ("minimum", "exclusiveMinimum", "maximum") if k in raw]
    kinds = {"string": "text", "integer": "number", "number": "number", "object": "table"}
    kind = kinds.get(str(raw.get("type")), "true or false")
    return f"{kind}, {limits[0]} to {limits[1]}" if len(limits) > 1 else kind


def _default(raw: Mapping[str, object]) -> str:
    if "default" not in raw:
        return ""
    return f"`{json.dumps(raw['default'], ensure_ascii=False)}`"


def _helps(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    context = click.Context(
        command, info_name=path, terminal_width=COLUMNS, max_content_width=COLUMNS
    )
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _helps(inner, f"{path} {name}")


if __name__ == "__main__":
    main()
