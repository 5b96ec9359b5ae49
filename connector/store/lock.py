"""The lock that keeps a second writing process out of a store."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.errors import SetupError

LOCK_NAME = "eslabon.lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the store's folder for this process, or raise `SetupError` at once.

    The kernel lets go when the process ends, however it ends, so no stale lock can stay.
    """
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SetupError("store:in_use", folder=folder) from error
    try:
        yield
    finally:
        os.close(descriptor)
