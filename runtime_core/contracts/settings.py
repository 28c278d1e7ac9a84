"""Settings: the options of a plugin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Declares options under a section name, of letters, digits and `_` as in `acme_steps`.

    `load` returns a pydantic model whose fields all have defaults. The field `tracking_uri` of the
    section `mlflow` is the flag `--mlflow-tracking-uri`, the variable
    `TESSERACT_MLFLOW_TRACKING_URI` and `config.section("mlflow").tracking_uri`; one that is named
    as the section, `mlflow`, is `--mlflow`; in flags, `_` is `-`. The fields of a model in the
    model are options too, as `--mlflow-retry-times`. A secret may be in a file, which
    `--mlflow-token-file` names.

    Lists are texts with commas, or repeated flags; lists with commas in their items, mappings and
    lists of models are JSON. A field that no text can set is refused. The model is loaded at every
    start; `defer_build=True` in its configuration makes that cheap.
    """

    name: str
    summary: str
    load: Callable[[], type[BaseModel]]

    def option(self, field: str) -> str:
        """Return the name of the option of a field, with underscores."""
        return field if field == self.name else f"{self.name}_{field}"
