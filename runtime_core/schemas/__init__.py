"""The models of payloads and results, generated from the author's own."""

from runtime_core.schemas.differentiable import DifferentiableArrays
from runtime_core.schemas.payloads import PayloadSchemas
from runtime_core.schemas.walk import is_array
from runtime_core.schemas.walk import walk as walk_schema

__all__ = ["DifferentiableArrays", "PayloadSchemas", "is_array", "walk_schema"]
