"""Expected outputs, compared with the result of an endpoint.

The result model validates them, so that a case may write them as an endpoint does, or as an author
would. It casts and broadcasts arrays and rejects computed fields; these are compared before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import astuple
from typing import Any

from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError

from runtime_core import ShapeDType
from runtime_core.calls import invalid_payload
from runtime_core.errors import fault_lines
from runtime_core.paths import Field, Path, Step
from tesseract_runtime_workbench.regression_test.case import RegressionCase
from tesseract_runtime_workbench.regression_test.comparison import (
    Tolerance,
    branches,
    difference,
    differences,
    is_array,
    shape_difference,
)


def output_differences(
    case: RegressionCase, model: type[BaseModel], result: BaseModel
) -> list[str]:
    """Compare the expected outputs of a case with the result of its endpoint, of type `model`."""
    tolerance = Tolerance(atol=case.atol, rtol=case.rtol)
    document = _DocumentComparison(tolerance)
    remainder = document.remainder(case.expected_outputs, _outputs(result))
    options = {"skip_output_path_checks": case.skip_output_path_checks}
    try:
        expected = model.model_validate(remainder, context=options)
    except ValidationError as error:
        faults = fault_lines(invalid_payload(error).details, root="outputs")
        header = f"The expected outputs are not a valid {model.__name__}:"
        return [*document.differences, header, faults]
    values = differences(_outputs(expected), _outputs(result), tolerance)
    return [*document.differences, *values]


def _outputs(result: BaseModel) -> Any:
    """Return the value into which paths lead: the root of a result that has one."""
    return result.root if isinstance(result, RootModel) else result


class _DocumentComparison:
    """Compares what a document states and its model would not, and collects the differences.

    An array that names its shape and data type must have exactly these.
    """

    def __init__(self, tolerance: Tolerance) -> None:
        self.differences: list[str] = []
        self._tolerance = tolerance

    def remainder(self, document: Any, got: Any, path: Path = ()) -> Any:
        """Return the part of a document that its model can validate.

        An array of another shape or data type is replaced by the actual one, so that it does not
        hide differences elsewhere.
        """
        if is_array(got):
            return self._array(document, got, path)
        if isinstance(got, RootModel):
            return self.remainder(document, got.root, (*path, Field("root")))
        if isinstance(document, Mapping):
            return dict(self._items(document.items(), got, path))
        if isinstance(document, list):
            return [item for _, item in self._items(enumerate(document), got, path)]
        return document

    def _array(self, document: Any, got: Any, path: Path) -> Any:
        try:
            text = shape_difference(ShapeDType.model_validate(document), got)
        except ValidationError:  # a bare list, or not an array
            return document
        if text is None:
            return document
        self.differences.append(difference(path, text))
        return got

    def _items(
        self, items: Iterable[tuple[Any, Any]], got: Any, path: Path
    ) -> Iterator[tuple[Any, Any]]:
        computed, children = _computed_fields(got), _children(got)
        for key, document in items:
            if key in computed:
                self._computed(computed[key], document, got, path)
            elif key in children:
                step, child = children[key]
                yield key, self.remainder(document, child, (*path, step))
            else:
                yield key, document

    def _computed(self, name: str, document: Any, model: BaseModel, path: Path) -> None:
        path, got = (*path, Field(name)), getattr(model, name)
        expected = self.remainder(document, got, path)
        adapter = TypeAdapter(type(model).model_computed_fields[name].return_type)
        with suppress(ValidationError):  # then it is compared as it is written
            expected = adapter.validate_python(expected)
        self.differences += differences(expected, got, self._tolerance, path)


def _computed_fields(got: object) -> Mapping[Any, str]:
    """Map the name in documents of each computed field of a model to its own."""
    fields = type(got).model_computed_fields if isinstance(got, BaseModel) else {}
    return {field.alias or name: name for name, field in fields.items()}


def _children(got: object) -> Mapping[Any, tuple[Step, Any]]:
    """Map each key that a document may have for a child to its step and the child."""
    _, steps = branches(got) or (None, {})
    children = {astuple(step)[0]: (step, child) for step, child in steps.items()}
    for name, field in (type(got).model_fields if isinstance(got, BaseModel) else {}).items():
        for alias in (field.serialization_alias, field.alias, field.validation_alias):
            if isinstance(alias, str):
                children[alias] = children[name]
    return children
