"""``python -m connector`` is the command ``eslabon``."""

from __future__ import annotations

import sys

from connector.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
