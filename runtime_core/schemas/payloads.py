"""The models of payloads and results of every endpoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model

from runtime_core.schemas.abstract import abstract_leaf
from runtime_core.schemas.differentiable import DifferentiableArrays
from runtime_core.schemas.generated import ModelGenerator
from runtime_core.schemas.walk import field_order

_log = logging.getLogger(__name__)

ABSTRACT = "AbstractEval"
"""The prefix of the generated models with a `ShapeDType` in place of every array."""


class PayloadSchemas:
    """Makes payload and result models from the author's `InputSchema` and `OutputSchema`.

    Endpoints of the core and of plugins use it, so that all of them validate alike.
    """

    def __init__(self, inputs: type[BaseModel], outputs: type[BaseModel]) -> None:
        self._inputs = inputs
        self._outputs = outputs
        self._generators: dict[str, ModelGenerator] = {}
        self._warned: set[str] = set()

    @cached_property
    def differentiable_inputs(self) -> DifferentiableArrays:
        """The inputs to differentiate with respect to."""
        return DifferentiableArrays(self._inputs)

    @cached_property
    def differentiable_outputs(self) -> DifferentiableArrays:
        """The outputs to differentiate."""
        return DifferentiableArrays(self._outputs)

    def inputs(self, prefix: str) -> type[BaseModel]:
        """Return the generated subclass of `InputSchema` named `<prefix>_InputSchema`."""
        return self.generated(prefix, self._inputs)

    def outputs(self, prefix: str) -> type[BaseModel]:
        """Return the generated subclass of `OutputSchema` named `<prefix>_OutputSchema`."""
        return self.generated(prefix, self._outputs)

    def generated(self, prefix: str, author: type[BaseModel]) -> type[BaseModel]:
        """Return the generated subclass of any model of the author.

        A warning is logged for each default that does not fit its field.
        """
        leaf = abstract_leaf if prefix == ABSTRACT else None
        generator = self._generators.setdefault(prefix, ModelGenerator(prefix, leaf))
        model = generator.model(author)
        for fault in generator.default_faults:
            field, _, _ = fault.partition(": ")
            if field not in self._warned:
                self._warned.add(field)
                _log.warning("%s", fault)
        return model

    def payload(
        self, name: str, *, inputs: str, doc: str = "The input data.", **fields: Any
    ) -> type[BaseModel]:
        """Make the model of a payload: `inputs`, and further fields as in `create_model`.

        `inputs` is the prefix of the generated input models; `doc` describes them. Unknown keys
        are refused.
        """
        model: type[BaseModel] = create_model(
            name,
            __config__=ConfigDict(extra="forbid"),
            inputs=(self.inputs(inputs), Field(description=doc)),
            **fields,
        )
        return model

    def result(self, name: str, *, outputs: str, doc: str = "The output data.") -> type[BaseModel]:
        """Make the model of a result that is the author's `OutputSchema`."""
        root: Any = RootModel[self.outputs(outputs)]  # type: ignore[misc]  # made at run time
        # Without this pydantic writes null for numbers that are not finite in untyped places.
        keywords = {"ser_json_inf_nan": "strings"}
        model: type[BaseModel] = create_model(
            name, __base__=root, __doc__=doc, __cls_kwargs__=keywords
        )
        return model

    @cached_property
    def input_extras(self) -> Mapping[str, Any]:
        """The `differentiable_arrays` and `field_order` of the inputs, which clients read."""
        return _extras(self._inputs, self.differentiable_inputs)

    @cached_property
    def output_extras(self) -> Mapping[str, Any]:
        """The `differentiable_arrays` and `field_order` of the outputs, which clients read."""
        return _extras(self._outputs, self.differentiable_outputs)


def _extras(model: type[BaseModel], arrays: DifferentiableArrays) -> Mapping[str, Any]:
    return {"differentiable_arrays": arrays.described, "field_order": field_order(model)}
