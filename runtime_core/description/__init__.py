"""Validating and describing a Tesseract without calling its functions."""

from runtime_core.description.description import describe, loaded_plugins
from runtime_core.description.facts import facts_of

__all__ = ["describe", "facts_of", "loaded_plugins"]
