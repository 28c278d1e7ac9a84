"""The endpoint: the largest elements of the arrays of a result."""

import numpy as np
from pydantic import BaseModel, RootModel
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable


class AcmeExampleOutputSchema(RootModel[dict[str, float]]):
    """The largest element of each array, by field."""


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the endpoint to a Tesseract."""
    apply = binding.endpoint("apply")
    if isinstance(apply, Unavailable):
        return apply

    def answer(payload: BaseModel) -> dict[str, float]:
        result = binding.schemas.outputs("Apply").model_validate(apply.answer(payload))
        return {
            name: float(np.max(value)) for name, value in result if isinstance(value, np.ndarray)
        }

    return BoundEndpoint(
        payload=binding.schemas.payload(
            "AcmeExampleInputSchema",
            inputs="AcmeExample",
        ),
        result=AcmeExampleOutputSchema,
        answer=answer,
    )
