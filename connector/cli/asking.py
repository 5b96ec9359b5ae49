"""What every command is asked with, and how it gets at the settings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.errors import Finding, SetupError
from connector.settings.loading import errors, load_settings
from connector.settings.values import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """The configuration to use, the language to answer in, and whether in JSON."""

    config: Path
    language: str
    as_json: bool


class SettingsWrongError(SetupError):
    """The configuration holds mistakes; ``findings`` are all of them."""

    def __init__(self, file: Path, findings: Sequence[Finding]) -> None:
        """Count them in the message; whoever shows it shows them before it."""
        super().__init__("cli:settings_wrong", file=file, count=len(findings))
        self.findings = tuple(findings)


def settings_of(asked: Asked) -> Settings:
    """Return the settings; raises `SettingsWrongError` with every mistake in them."""
    return settings_and_warnings(asked)[0]


def settings_and_warnings(asked: Asked) -> tuple[Settings, list[Finding]]:
    """Return the settings and what is risky about them; raises as `settings_of`."""
    settings, findings = load_settings(asked.config, os.environ)
    wrong = errors(findings)
    if settings is None or wrong:
        raise SettingsWrongError(asked.config, wrong)
    return settings, findings
