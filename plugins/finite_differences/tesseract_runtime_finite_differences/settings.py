"""The options of the backend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

Algorithm = Literal["central", "forward", "stochastic"]

Step = float | Literal["auto"]
"""An absolute step, or one scaled to the magnitude and data type of each element."""

Eps = Step | Mapping[str, Step]
"""One step for all inputs, or one for each input path."""


def _eps(value: Any) -> Eps:
    """Parse a step or `PATH=STEP,...`."""
    if isinstance(value, str) and "=" in value:
        pairs = (part.rpartition("=") for part in value.split(","))
        return {path.strip(): _step(step) for path, _, step in pairs}
    if isinstance(value, Mapping):
        return {str(path): _step(step) for path, step in value.items()}
    return _step(value)


def _step(value: Any) -> Step:
    if isinstance(value, str) and value.strip() == "auto":
        return "auto"
    try:
        step = float(value)
    except (TypeError, ValueError):
        step = math.nan
    if not 0 < step < math.inf:
        raise ValueError("a step is a positive number or auto, for all inputs or as PATH=STEP,...")
    return step


class FiniteDifferencesSettings(BaseModel):
    """How steps are taken."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    algorithm: Algorithm = Field("central", description="central, forward or stochastic.")
    eps: Annotated[Eps, PlainValidator(_eps)] = Field(
        "auto",
        description="Step: a number, auto (scaled to each element and its data type), or "
        "PATH=STEP,...",
    )
    num_samples: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Samples of stochastic; by default max(10, sqrt(n))."
    )
    sparsity_check: bool = Field(
        True, description="Check the jacobian_sparsity of a file by one more evaluation."
    )
    seed: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Seed of stochastic; by default another each time."
    )
