"""The options of the sink."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from tesseract_runtime_mlflow.run_arguments import parsed_if_valid
from tesseract_runtime_mlflow.targets import with_scheme


class MlflowSettings(BaseModel):
    """Where and how runs are logged."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    tracking_uri: Annotated[str, AfterValidator(with_scheme)] | None = Field(
        None, description="MLflow server to log runs to; https:// unless it has another scheme."
    )
    run_extra_args: Annotated[Any, BeforeValidator(parsed_if_valid)] = Field(
        default_factory=dict,
        description="Arguments of MLflow runs as mlflow.start_run takes them: a dict, as JSON or "
        "as Python writes it.",
    )
