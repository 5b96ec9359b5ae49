"""A plant with the samples of ``init``, and the command called in this process."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from connector.cli.entry import main


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


Eslabon = Callable[..., Said]


@pytest.fixture
def eslabon(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Eslabon:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "ESLABON_CONFIG"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str | Path) -> Said:
        capsys.readouterr()
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        try:
            code = main([str(word) for word in words])
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
            structlog.reset_defaults()
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture
def plant(tmp_path: Path, eslabon: Eslabon, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in the folder of a new installation, on ports that nobody listens on."""
    folder = tmp_path / "plant"
    assert 0 == eslabon("init", folder).code
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ESLABON_OPERATOR__PORT", "1")
    return folder
