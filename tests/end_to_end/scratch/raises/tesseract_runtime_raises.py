"""Imports what is not installed."""

import surely_missing

__all__ = ["surely_missing"]
