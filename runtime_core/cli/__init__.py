"""The command line, assembled from the catalog."""

from runtime_core.cli.entry_point import main

__all__ = ["main"]
