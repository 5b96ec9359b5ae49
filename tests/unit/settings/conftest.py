"""A complete installation in a folder, to break one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connector.errors import Finding
from connector.settings.loading import load_settings
from connector.settings.values import Settings

GOOD = """\
[connector]
name = "puebla"
bpnl = "BPNL00000000PUE1"

[public]
url = "https://puebla.example.com"
trusted_proxy = "10.0.0.5"

[identity]
key_file = "key.pem"
credentials = "credentials"
trusted_issuers = ["did:web:authority.example.com"]

[twin]
secret_file = "twin.secret"

[[feed]]
name = "parts"
adapter = "delimited_file"
mapping = "parts.yaml"

[feed.source]
folder = "inbox"

[[partner]]
name = "oem"
bpnl = "BPNL00000000OEM1"
did = "did:web:oem.example.com"

[policy.core]
until = 2099-12-31

[[offer]]
name = "all-for-oem"
partners = ["oem"]
policy = "core"
"""


@dataclass
class Installation:
    """The files of one installation; ``text`` is what its eslabon.toml says."""

    folder: Path
    text: str = GOOD
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.folder / "eslabon.toml"

    def change(self, old: str, new: str) -> Installation:
        assert old in self.text
        self.text = self.text.replace(old, new, 1)
        return self

    def add(self, text: str) -> Installation:
        self.text += text
        return self

    def load(self) -> tuple[Settings | None, list[Finding]]:
        self.file.write_text(self.text, encoding="utf-8")
        return load_settings(self.file, self.environment)

    def settings(self) -> Settings:
        settings, findings = self.load()
        assert [] == [str(finding.text()) for finding in findings]
        assert settings
        return settings

    def told(self) -> list[tuple[str, str, int | None]]:
        """Return code, pointer and line of every finding."""
        return [(f.code.partition(":")[2], f.path, f.where.row) for f in self.load()[1]]

    def line_of(self, text: str) -> int:
        return self.text[: self.text.index(text)].count("\n") + 1


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    files: Mapping[str, str] = {
        "key.pem": "key",
        "twin.secret": "secret",
        "data/operator.token": "token",
        "credentials/membership.jwt": "x",
        "parts.yaml": "model: x",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        path.chmod(0o600)
    (tmp_path / "inbox").mkdir()
    return Installation(tmp_path)
