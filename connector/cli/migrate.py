"""``eslabon models migrate``: a payload in another version of its model, and what that costs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from connector.aspect.library import CompiledModel, ModelLibrary
from connector.aspect.migration import migrate, without_repeats
from connector.aspect.migration_steps import shipped_migrations
from connector.cli.asking import Asked
from connector.cli.output import FINDINGS, OK, plain_finding, show_findings
from connector.cli.payloads import as_floats, read_payload, show_exactly
from connector.errors import DataError, SetupError
from connector.identifiers import SemanticId
from connector.settings.loading import errors


def migrate_payload(
    asked: Asked, file: Path, target: CompiledModel, model: str | None, library: ModelLibrary
) -> int:
    """Write the migrated payload to standard output, and what to know of it to standard error.

    ``model`` is the version that the payload follows, where it is named. 1 where something is
    missing or wrong in the payload, before or after.
    """
    known = shipped_migrations()
    payload = read_payload(file)
    if not isinstance(payload, Mapping):
        raise DataError("aspect:lift_no_object", model=model or target.semantic_id)
    candidates = [SemanticId(model)] if model else [*known.sources_of(target.semantic_id)]
    source = _source(payload, candidates, library, target.semantic_id)
    if findings := source.findings(as_floats(payload)):
        show_findings(findings, asked.language, to_stderr=True)
        return FINDINGS
    way = known.way(source.semantic_id, target.semantic_id)
    done = migrate(payload, way, lambda: str(uuid.uuid4()))
    findings = without_repeats([*done.findings, *target.findings(as_floats(done.payload))])
    if asked.as_json:
        shown = [plain_finding(finding, asked.language) for finding in findings]
        ids = {"from": source.semantic_id, "to": target.semantic_id}
        show_exactly({**ids, "payload": done.payload, "findings": shown})
    else:
        show_findings(findings, asked.language, to_stderr=True)
        show_exactly(done.payload)
    return FINDINGS if errors(findings) else OK


def _source(
    payload: Mapping[str, object],
    candidates: Sequence[SemanticId],
    library: ModelLibrary,
    target: SemanticId,
) -> CompiledModel:
    """Return the only version named, else the first of which the payload is a valid one."""
    if len(candidates) == 1:
        return library.get(candidates[0])
    given = as_floats(payload)
    for candidate in candidates:
        compiled = _known(candidate, library)
        if compiled and compiled.is_valid(given):
            return compiled
    tried = ", ".join(candidates) or "-"
    raise DataError("aspect:migration_source_unknown", target=target, tried=tried)


def _known(semantic_id: SemanticId, library: ModelLibrary) -> CompiledModel | None:
    try:
        return library.get(semantic_id)
    except SetupError:
        return None
