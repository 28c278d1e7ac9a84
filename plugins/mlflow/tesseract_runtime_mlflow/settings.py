"""The options of the sink."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from runtime_core.config import Flag
from tesseract_runtime_mlflow.run_arguments import parsed_if_valid
from tesseract_runtime_mlflow.targets import with_scheme

_INCIDENTAL = Flag(changes_results=False)

_Address = Annotated[str, AfterValidator(with_scheme)]


class MlflowSettings(BaseModel):
    """Where and how runs are logged."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    tracking_uri: Annotated[_Address | None, _INCIDENTAL] = Field(
        None, description="MLflow server to log runs to; https:// unless it has another scheme."
    )
    run_extra_args: Annotated[Any, BeforeValidator(parsed_if_valid), _INCIDENTAL] = Field(
        default_factory=dict,
        description="Arguments of MLflow runs as mlflow.start_run takes them: a dict, as JSON or "
        "as Python writes it.",
    )
