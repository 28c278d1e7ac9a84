"""Settings whose model cannot be loaded."""

from collections.abc import Iterable

from runtime_core.contracts import Settings, lazy_object
from runtime_core.hookspecs import hookimpl


@hookimpl
def settings() -> Iterable[Settings]:
    """Provide the settings."""
    yield Settings(
        name="unset", summary="Nothing.", load=lazy_object("tesseract_runtime_unset:Missing")
    )
