"""Abstract inputs as trees that JAX understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, RootModel

from runtime_core.arrays import ShapeDType
from tesseract_runtime_jax.primals import Tree, spec_of


def abstract_tree(inputs: BaseModel) -> Tree:
    """Return the dump of abstract inputs with JAX's own shape and data type for arrays.

    The dump alone could not tell them from a model that has fields of these names.
    """
    return _abstract(inputs, inputs.model_dump())


def _abstract(value: Any, dumped: Any) -> Tree:
    if isinstance(value, ShapeDType):
        return spec_of(value.shape, value.dtype)
    if isinstance(value, RootModel):
        return _abstract(value.root, dumped)
    if isinstance(value, BaseModel) and isinstance(dumped, dict):
        return {key: _abstract(getattr(value, key, None), child) for key, child in dumped.items()}
    if isinstance(value, Mapping) and isinstance(dumped, dict):
        return {key: _abstract(value.get(key), child) for key, child in dumped.items()}
    if isinstance(value, list | tuple) and isinstance(dumped, list | tuple):
        children = [_abstract(*pair) for pair in zip(value, dumped, strict=True)]
        return type(dumped)(children)
    return dumped
