"""Settings whose only field has the flag of a global option: `--output-path`."""

from collections.abc import Iterable

from pydantic import BaseModel

from runtime_core.contracts import Settings
from runtime_core.hookspecs import hookimpl


class OutputSettings(BaseModel):
    """One option that exists already."""

    path: str = "elsewhere"


@hookimpl
def settings() -> Iterable[Settings]:
    """Provide the option."""
    yield Settings(name="output", summary="Where to.", load=lambda: OutputSettings)
