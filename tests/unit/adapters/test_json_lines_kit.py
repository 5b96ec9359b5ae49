"""JSON files keep every promise of an adapter, in both forms."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest

from adapters.json_lines.adapter import JsonLines
from connector.testing import COLUMNS, AdapterKit

NUMBERS = count(1)


class Lines:
    """A drop folder with one object on each line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, rows: Sequence[Sequence[str]], *, unreadable_after: int | None = None) -> None:
        lines = [json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in rows]
        if unreadable_after is not None:
            lines.insert(unreadable_after, '{"part": "cut o')
        self.write("\n".join(lines))

    def write(self, text: str) -> None:
        number = next(NUMBERS)
        path = self.folder / f"{number:04d}.jsonl"
        path.write_text(text, encoding="utf-8")
        os.utime(path, ns=(number, number))

    def adapter(self) -> JsonLines:
        return JsonLines(self.folder, stable_seconds=0)

    def unreachable(self) -> JsonLines:
        return JsonLines(self.folder / "nowhere")


class Documents(Lines):
    """A drop folder with documents of lists within lists."""

    def put(self, rows: Sequence[Sequence[str]], *, unreadable_after: int | None = None) -> None:
        records: list[object] = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        if unreadable_after is not None:
            records.insert(unreadable_after, "no object")
        assets = [{"records": records[i : i + 3]} for i in range(0, len(records), 3)]
        self.write(json.dumps({"assets": assets}))

    def adapter(self) -> JsonLines:
        return JsonLines(self.folder, records="assets[].records[]", stable_seconds=0)


class TestLines(AdapterKit):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Lines:
        return Lines(tmp_path)


class TestDocuments(AdapterKit):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Documents:
        return Documents(tmp_path)
