"""``eslabon init``: a folder with everything that a first look needs; nothing is overwritten."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

import click

from connector.cli.asking import Asked
from connector.cli.output import OK, show_json
from connector.errors import SetupError
from connector.protocols.dcp.key_file import new_key_pem
from connector.settings.loading import FILE_NAME
from connector.texts import word

TEMPLATES = "connector.cli.templates"
KEPT_OUT_OF_VERSION_CONTROL = "/data/\n/keys/\n/credentials/\n"
TOKEN_BYTES = 32

_SECRET_MODE = 0o600
_FOLDER_MODE = 0o700
_PLAIN_MODE = 0o644
_FOLDERS = ("data", "keys", "credentials", "inbox", "mappings")


def carry_out(asked: Asked, *, folder: Path) -> int:
    """Write configuration, sample mapping, sample file, keys and token into a folder."""
    plain, secret = dict(_samples(asked.language)), _secrets()
    plain[".gitignore"] = KEPT_OUT_OF_VERSION_CONTROL.encode()
    for name in (*plain, *secret):
        if (folder / name).exists():
            raise SetupError("cli:init_exists", file=folder / name)
    try:
        _write(folder, plain, secret)
    except OSError as error:
        raise SetupError("cli:init_failed", folder=folder, reason=error.strerror) from error
    _tell(asked, folder, sorted([*plain, *secret]))
    return OK


def _write(folder: Path, plain: Mapping[str, bytes], secret: Mapping[str, bytes]) -> None:
    for name in _FOLDERS:
        mode = _FOLDER_MODE if name in {"data", "keys", "credentials"} else 0o755
        (folder / name).mkdir(mode, parents=True, exist_ok=True)
    for name, content in plain.items():
        _create(folder / name, content, _PLAIN_MODE)
    for name, content in secret.items():
        _create(folder / name, content, _SECRET_MODE)


def _create(path: Path, content: bytes, mode: int) -> None:
    """Write a new file that is closed to others from its first moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _samples(language: str) -> Iterator[tuple[str, bytes]]:
    yield from _files_in(resources.files(TEMPLATES) / language, PurePosixPath())


def _files_in(folder: Traversable, at: PurePosixPath) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files_in(entry, at / entry.name)
        else:
            yield str(at / entry.name), entry.read_bytes()


def _secrets() -> dict[str, bytes]:
    return {
        "keys/connector.pem": new_key_pem(),
        "keys/twin.secret": secrets.token_urlsafe(TOKEN_BYTES).encode(),
        "data/operator.token": secrets.token_urlsafe(TOKEN_BYTES).encode(),
    }


def _tell(asked: Asked, folder: Path, names: list[str]) -> None:
    if asked.as_json:
        show_json({"folder": str(folder), "files": names})
        return
    for name in names:
        click.echo(f"  {folder / name}")
    sample = next(name for name in names if name.endswith(".csv"))
    params = {"folder": folder, "file": FILE_NAME, "sample": sample}
    click.echo(word("cli:init_done", asked.language, **params))
