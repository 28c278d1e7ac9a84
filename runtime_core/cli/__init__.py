"""The command line, assembled from the catalog."""

from runtime_core.cli.main import main

__all__ = ["main"]
