"""Other names on the wire: aliases of each kind, and generators of them."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from tesseract_core.runtime import Array, Differentiable, Float64


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    flow_rate: Differentiable[Array[(None,), Float64]]
    step_count: int = 3


class InputSchema(BaseModel):
    pressure: Float64 = Field(alias="p", default=1.0)
    camel: Camel


class OutputSchema(BaseModel):
    drop: Differentiable[Array[(None,), Float64]] = Field(serialization_alias="pressureDrop")
    camel: Camel


def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(drop=inputs.pressure * inputs.camel.flow_rate, camel=inputs.camel)


def jacobian(inputs, jac_inputs, jac_outputs):
    return {"drop": {"camel.flow_rate": inputs.pressure * np.eye(inputs.camel.flow_rate.size)}}
