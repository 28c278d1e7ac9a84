"""The endpoint `abstract_eval`: shapes and data types in, shapes and data types out."""

from __future__ import annotations

from runtime_core.builtin.derived_shapes import derived_abstract_eval
from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from runtime_core.schemas.payloads import ABSTRACT


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the author's `abstract_eval(abstract_inputs)`, or derive it."""
    function = binding.function("abstract_eval")
    if isinstance(function, Unavailable):
        derived = derived_abstract_eval(binding)
        if isinstance(derived, Unavailable):
            reason = f"{function.reason} It cannot be derived: {derived.reason}"
            return Unavailable(reason)
        function = derived
    doc = "The {}, with the shape and data type of each array in its place."
    schemas = binding.schemas
    return BoundEndpoint(
        payload=schemas.payload("AbstractInputSchema", inputs=ABSTRACT, doc=doc.format("inputs")),
        result=schemas.result("AbstractOutputSchema", outputs=ABSTRACT, doc=doc.format("outputs")),
        answer=lambda payload: function(payload.inputs),
        doc=function.__doc__ or "",
    )
