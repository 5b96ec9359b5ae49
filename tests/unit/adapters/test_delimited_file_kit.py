"""Delimited files keep every promise of an adapter."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest

from adapters.delimited_file.adapter import DelimitedFile
from connector.testing import COLUMNS, AdapterKit

NUMBERS = count(1)


class Folder:
    """A drop folder that a plant writes Windows-1252 files into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, rows: Sequence[Sequence[str]], *, unreadable_after: int | None = None) -> None:
        number = next(NUMBERS)
        path = self.folder / f"{number:04d}.csv"
        with path.open("w", encoding="windows-1252", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(COLUMNS)
            for index, row in enumerate(rows):
                if index == unreadable_after:
                    file.write("cut;off\r\n")
                writer.writerow(row)
        os.utime(path, ns=(number, number))

    def adapter(self) -> DelimitedFile:
        return DelimitedFile(self.folder, encoding="windows-1252", delimiter=";", stable_seconds=0)

    def unreachable(self) -> DelimitedFile:
        return DelimitedFile(self.folder / "nowhere")


class TestDelimitedFile(AdapterKit):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Folder:
        return Folder(tmp_path)
