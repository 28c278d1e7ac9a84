"""Expected outputs as a case writes them, held against what came before their model reads them.

That model casts and broadcasts arrays and refuses computed fields, so that these must be compared
as they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError

from runtime_core import ShapeDType
from runtime_core.paths import Field, Index, Key, Path, Step
from tesseract_runtime_workbench.regression_test.difference import (
    Difference,
    differences,
    form_difference,
)
from tesseract_runtime_workbench.regression_test.tolerance import Tolerance
from tesseract_runtime_workbench.regression_test.tree import branch, is_array


class WrittenOutputs:
    """Compares what must be compared as it is written, and collects the differences.

    An array that names its shape and data type must have just these.
    """

    def __init__(self, tolerance: Tolerance) -> None:
        self.differences: list[Difference] = []
        self._tolerance = tolerance

    def remainder(self, written: Any, got: Any, path: Path = ()) -> Any:
        """Return what is left for the model of the result to read and compare.

        Computed fields are left out. In the place of an array of another shape or data type is the
        one that came, so that nothing hides the differences elsewhere.
        """
        if is_array(got):
            return self._array(written, got, path)
        if isinstance(got, RootModel):
            return self.remainder(written, got.root, (*path, Field("root")))
        if isinstance(written, Mapping):
            return dict(self._items(self._without_computed(written, got, path), got, path))
        if isinstance(written, list):
            return [item for _, item in self._items(dict(enumerate(written)), got, path)]
        return written

    def _array(self, written: Any, got: Any, path: Path) -> Any:
        form = _form(written)
        text = form_difference(form, got) if form is not None else None
        if text is None:
            return written
        self.differences.append(Difference(path=path, text=text))
        return got

    def _items(self, written: Mapping[Any, Any], got: Any, path: Path) -> Iterator[tuple[Any, Any]]:
        found = branch(got)
        children = found.children if found is not None else {}
        step_of = _steps(got)
        for key, value in written.items():
            step = step_of(key)
            known = step in children
            yield key, self.remainder(value, children[step], (*path, step)) if known else value

    def _without_computed(self, written: Mapping[Any, Any], got: Any, path: Path) -> Any:
        computed = type(got).model_computed_fields if isinstance(got, BaseModel) else {}
        names = {field.alias or name: name for name, field in computed.items()}
        for key in filter(written.__contains__, names):
            name = names[key]
            place = (*path, Field(name))
            self._computed(computed[name].return_type, written[key], getattr(got, name), place)
        return {key: value for key, value in written.items() if key not in names}

    def _computed(self, annotation: Any, written: Any, got: Any, path: Path) -> None:
        remainder = self.remainder(written, got, path)
        try:
            expected = TypeAdapter(annotation).validate_python(remainder)
        except ValidationError:
            expected = remainder
        self.differences += differences(expected, got, self._tolerance, path)


def _form(written: object) -> ShapeDType | None:
    """Return the shape and data type that an array document names, if it names them."""
    try:
        return ShapeDType.model_validate(written)
    except ValidationError:
        return None


def _steps(got: object) -> Callable[[Any], Step]:
    """Return what makes the step of a path from a key as it is written."""
    if isinstance(got, BaseModel):
        names = dict(_written_names(type(got)))
        return lambda key: Field(names.get(key, str(key)))
    return lambda key: Index(key) if isinstance(key, int) else Key(str(key))


def _written_names(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield the names that a field may have in a document, each with its own."""
    for name, field in model.model_fields.items():
        for alias in (name, field.serialization_alias, field.alias, field.validation_alias):
            if isinstance(alias, str):
                yield alias, name
