"""Writes the pages of this folder that are made from the code: ``make reference``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from connector.cli.commands import PROGRAM, build_cli
from connector.settings.sections import ConfigurationFile
from connector.settings.shape import Shape

FOLDER = Path(__file__).parent
HELP_CHARACTERS = 96
MADE = "<!-- made by make reference: do not edit -->"
INTRODUCTION = {
    "en": "# Commands\n\nEvery command answers `--help`, and `--json` for programs.",
    "es": "# Comandos\n\nCada comando responde a `--help`, y a `--json` para programas.",
}
SETTINGS = """# Settings

One file, `eslabon.toml`: in the current folder, where `--config` says, or where `ESLABON_CONFIG`
says. An unknown key is an error with a suggestion, and `eslabon check` tells every mistake at
once. Editors complete and check the file with [eslabon.schema.json](eslabon.schema.json).

Any value can be set from the environment: two underscores part table and key, so
`ESLABON_PUBLIC__PORT=9000` wins over `port` in `[public]`. An entry of a list is named by its
`name`: `ESLABON_PARTNER__OEM__DID`. Secrets of a source are references: `password = {file =
"broker.password"}` or `{env = "BROKER_PASSWORD"}`.

The keys of `[feed.source]` are those of the adapter: see [adapters](../../adapters/README.md).
The words of a mapping are in [mapping](mapping.md)."""

Schema = Mapping[str, Any]


def pages() -> dict[str, str]:
    """Return the made files of this folder by name."""
    schema = Shape(ConfigurationFile).schema
    return {
        "cli.md": _commands("en"),
        "cli.es.md": _commands("es"),
        "settings.md": f"{MADE}\n\n{SETTINGS}\n\n" + "\n\n".join(_tables(schema)) + "\n",
        "eslabon.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
    }


def _commands(language: str) -> str:
    parts = [MADE, INTRODUCTION[language], *_helps(build_cli(language), None, PROGRAM)]
    return "\n\n".join(parts) + "\n"


def _helps(command: click.Command, parent: click.Context | None, name: str) -> Iterator[str]:
    context = click.Context(
        command,
        parent,
        info_name=name,
        max_content_width=HELP_CHARACTERS,
        terminal_width=HELP_CHARACTERS,
    )
    yield f"## {context.command_path}\n\n```text\n{context.get_help().rstrip()}\n```"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _helps(command.commands[inner], context, inner)


def _tables(schema: Schema) -> Iterator[str]:
    top = schema["$defs"]["ConfigurationFile"]["properties"]
    for name, wanted in top.items():
        reference = wanted.get("items", wanted.get("additionalProperties", wanted))
        section = schema["$defs"][reference["$ref"].rsplit("/", 1)[1]]
        yield _table(_heading(name, wanted), section)


def _heading(name: str, wanted: Schema) -> str:
    if wanted.get("type") == "array":
        return f"[[{name}]]"
    return f"[{name}.NAME]" if "additionalProperties" in wanted else f"[{name}]"


def _table(heading: str, section: Schema) -> str:
    needed = set(section.get("required", ()))
    rows = [
        f"| `{key}` | {_kind(value)} | {_default(key, value, needed)} | {_description(value)} |"
        for key, value in section["properties"].items()
    ]
    top = "| key | type | default | meaning |\n|---|---|---|---|"
    return f"## `{heading}`\n\n{section['description']}\n\n{top}\n" + "\n".join(rows)


def _kind(value: Schema) -> str:
    if "enum" in value:
        return " or ".join(f"`{choice}`" for choice in value["enum"])
    if value.get("type") == "array":
        return f"list of {value.get('items', {}).get('type', 'string')}"
    kind = str(value.get("format") or value.get("type", "string"))
    limits = [
        f"{sign} {value[name]:.10g}"
        for name, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"))
        if name in value
    ]
    return " ".join([kind, *limits])


def _default(key: str, value: Schema, needed: set[str]) -> str:
    if key in needed:
        return "needed"
    return f"`{json.dumps(value['default'])}`" if "default" in value else ""


def _description(value: Schema) -> str:
    described = str(value.get("description", "")).replace("|", "\\|")
    shown = value.get("examples")
    return f"{described}; such as `{json.dumps(shown[0])}`" if shown else described


def main() -> None:
    """Write all pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
