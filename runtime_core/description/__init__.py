"""Validating and describing a Tesseract without calling its functions."""

from runtime_core.description.description import describe, loaded_plugins

__all__ = ["describe", "loaded_plugins"]
