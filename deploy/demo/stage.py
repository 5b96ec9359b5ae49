"""What the demo shows on the terminal, in the language of its user."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table

from connector.texts import word
from deploy.demo.company import Company

PIPE_COLUMNS = 120


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_COLUMNS)


@dataclass
class Stage:
    """Where the scenes are shown, one after the other."""

    language: str
    console: Console = field(default_factory=_console)
    _scene: int = 0

    def text(self, key: str, **params: object) -> str:
        """Return a text of the demo."""
        return word(f"deploy.demo:{key}", self.language, **params)

    def scene(self, key: str) -> None:
        """Begin a scene: its number and title, and what is to be seen in it."""
        self._scene += 1
        title = f"[bold]{self._scene}  {escape(self.text(f'{key}_title'))}[/]"
        self.console.print()
        self.console.print(Rule(title, align="left", style="cyan"))
        self.say(key)

    def say(self, key: str, **params: object) -> None:
        """Print a text."""
        self.console.print(escape(self.text(key, **params)), style="dim")

    def quote(self, lines: Iterable[str]) -> None:
        """Print lines as they stand in a file, cut at the edge."""
        for line in lines:
            shown = Padding(escape(line), (0, 0, 0, 2))
            self.console.print(shown, style="yellow", no_wrap=True, overflow="ellipsis")

    def command(self, company: Company, *words: str) -> None:
        """Show a command being run at a company: what is typed, and what it answers."""
        typed = escape(" ".join(("eslabon", *words)))
        self.console.print(f"\n[bold green]{company.name} $[/] [bold]{typed}[/]")
        sys.stdout.flush()
        company.show_command(*words)

    def table(
        self, headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: bool = False
    ) -> None:
        """Print a table whose headings are keys; ``numbers`` sets all but the first right."""
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
        for place, heading in enumerate(headings):
            title = self.text(f"heading_{heading}") if heading else ""
            right = numbers and place
            table.add_column(title, justify="right" if right else "left", overflow="fold")
        for row in rows:
            table.add_row(*map(str, row))
        self.console.print(table)
