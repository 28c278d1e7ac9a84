"""Describing what a Tesseract serves, after validating what can be known without calling it."""

from runtime_core.description.description import describe, loaded_plugins

__all__ = ["describe", "loaded_plugins"]
