"""The shape and data type of an array that has no values, for abstract evaluation."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from runtime_core.arrays.dtypes import DTypeName


class ShapeDType(BaseModel):
    """Data structure describing an array's shape and data type."""

    model_config = ConfigDict(extra="ignore")

    shape: tuple[int, ...]
    dtype: DTypeName
