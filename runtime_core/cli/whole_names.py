"""Help whose lists break no word, so that names of flags and variables can be copied."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import typer

# Typer may carry its own copy of click.
_Formatter: Any = typer.Context.formatter_class


class WholeNames(_Formatter):  # type: ignore[misc]  # its type is that of the copy
    """Writes lists of two columns; a name that is longer than its column stays in one line."""

    def write_dl(
        self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write the rows of a list."""
        rows = list(rows)
        column = min(max(len(first) for first, _ in rows), col_max) + col_spacing
        indent = " " * (self.current_indent + column)
        width = max(self.width - column - 2, 10)
        for first, second in rows:
            wrapped = textwrap.wrap(second, width, break_long_words=False, break_on_hyphens=False)
            head = f"{'':>{self.current_indent}}{first}"
            if len(first) > column - col_spacing or not wrapped:
                self.write(f"{head}\n")
            else:
                self.write(f"{head.ljust(len(indent))}{wrapped.pop(0)}\n")
            for line in wrapped:
                self.write(f"{indent}{line}\n")
