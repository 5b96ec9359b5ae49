"""``eslabon models lift``: a payload as RDF on standard output, and nothing else there."""

from __future__ import annotations

from pathlib import Path

import click

from connector.aspect.library import CompiledModel
from connector.aspect.lift import Lift
from connector.aspect.rdf.forms import Form
from connector.cli.asking import Asked
from connector.cli.output import FINDINGS, OK, show_findings
from connector.cli.payloads import as_floats, read_payload


def lift_payload(asked: Asked, file: Path, compiled: CompiledModel, form: Form) -> int:
    """Write a valid payload as RDF; 1 with every mistake on standard error where it is none."""
    payload = read_payload(file)
    if findings := compiled.findings(as_floats(payload)):
        show_findings(findings, asked.language, to_stderr=True)
        return FINDINGS
    click.echo(Lift(compiled.model).text(payload, form).encode(), nl=False)
    return OK
