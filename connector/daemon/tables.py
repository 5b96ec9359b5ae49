"""Reads the lookup tables that lie in files beside a mapping."""

from __future__ import annotations

import csv
from pathlib import Path

from connector.aspect.mapping.definition import MappingDefinition, TableFile
from connector.aspect.mapping.readers import Tables
from connector.aspect.semantics import JsonScalar
from connector.errors import Finding, Location

ENTRIES_MAX = 500_000


def load_tables(definition: MappingDefinition, folder: Path) -> tuple[Tables, list[Finding]]:
    """Return the tables that can be read, and a finding for each that cannot."""
    tables: dict[str, dict[str, JsonScalar]] = {}
    findings: list[Finding] = []
    for name, table in definition.tables.items():
        if table.file is None:
            continue
        where = Location(definition.source, table.line)
        try:
            tables[name] = _read(folder / table.file.file, table.file)
        except (OSError, UnicodeDecodeError, csv.Error, LookupError) as error:
            reason = f"{table.file.file}: {error}"
            findings.append(
                Finding("daemon:table_unreadable", {"table": name, "reason": reason}, where)
            )
    return tables, findings


def _read(path: Path, form: TableFile) -> dict[str, JsonScalar]:
    entries: dict[str, JsonScalar] = {}
    with path.open(encoding=form.encoding, newline="") as file:
        for row in csv.DictReader(file, delimiter=form.delimiter):
            entries[row[form.key]] = row[form.value]
            if len(entries) > ENTRIES_MAX:
                raise LookupError(f"> {ENTRIES_MAX}")
    return entries
