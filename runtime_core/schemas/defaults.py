"""Defaults that do not fit their fields: reported at load, and by the calls that use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy, deepcopy
from functools import partial
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, PydanticUndefined

from runtime_core.errors import InvalidDefault, shortened
from runtime_core.secret_fields import secrets_of

_HINTS: Mapping[type, str] = {
    str: "Field(description=...) was probably meant: the first argument of Field is the default.",
    type(None): "Add `| None` to the type of the field, or leave the default out.",
}
"""The next step, by the type of the default."""


class Default:
    """Marks a value that the validators of its field get because the payload has none.

    It is not a dataclass, which would be the default in JSON Schemas.
    """

    def __init__(self, value: Any, annotation: Any = None) -> None:
        self.value = value
        self._annotation = annotation

    @property
    def shown(self) -> Any:
        """The value, or an object that says nothing of a secret."""
        return object() if secrets_of(self._annotation) else self.value


def guard_defaults(author: type[BaseModel], fields: Mapping[str, FieldInfo]) -> dict[str, Any]:
    """Return the validator of defaults that may not fit, for the namespace of a generated model.

    It guards the validated defaults of `fields` that do not fit or that a factory makes. They are
    marked there. Others pass as they are: their validators need not know where a value is from.
    """
    for name in _misplaced_texts(fields):
        _make_default(fields[name], lambda text: text)  # JSON Schemas leave out those of factories
    guarded = [name for name, field in fields.items() if _may_be_unfit(field)]
    for name in guarded:
        _make_default(fields[name], partial(Default, annotation=fields[name].annotation))
    if not guarded:
        return {}
    return {_VALIDATOR: field_validator(*guarded, mode="wrap")(_default_validator(author))}


_VALIDATOR = "_report_defaults"  # which no field can be called


def default_faults(model: type[BaseModel]) -> Iterator[str]:
    """Yield a warning for each default of a generated model that does not fit its field."""
    author = model.__mro__[1]
    fields = {
        name: field
        for name, field in author.model_fields.items()  # type: ignore[attr-defined]  # a model
        if not model.model_fields[name].validate_default
    }
    for name, error in _misplaced_texts(fields).items():
        default = Default(fields[name].default, fields[name].annotation)
        yield _fault(f"{author.__name__}.{name}", default.shown, error)
    if _VALIDATOR in vars(model):
        yield from faults_of_empty(model.model_validate)


def faults_of_empty(validate: Callable[[Any], Any]) -> Iterator[str]:
    """Yield a warning for each guarded default that does not fit, by validating an empty object."""
    try:
        validate({})
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            if fault["type"] == InvalidDefault.fault_type:
                yield f"{fault['msg']} Calls that use this default fail."
    except Exception:  # a validator of the author that cannot do without values
        return


def invalid_default(place: str, value: Any, error: ValidationError) -> PydanticCustomError:
    """Return the error for a default; `place` names its field, as in `Model.field`."""
    context = {"fault": _fault(place, value, error)}
    return PydanticCustomError(InvalidDefault.fault_type, "{fault}", context)


def whole_annotation(field: FieldInfo) -> Any:
    """Return the annotation of a field with its metadata."""
    annotation: Any = field.annotation
    return Annotated[(annotation, *field.metadata)] if field.metadata else annotation


def _fault(place: str, value: Any, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == InvalidDefault.fault_type:  # of a model inside this default
        return first["msg"]
    # pydantic names a member of a union by the function that validates it.
    steps = [str(step) for step in first["loc"] if not str(step).startswith("function-")]
    at = ".".join((place, *steps))
    shown = f" {shortened(repr(value))}" if type(value) in _HINTS else ""
    fault = f"{at}: the default{shown} does not fit this field: {first['msg']}."
    hint = _HINTS.get(type(value))
    return f"{fault} {hint}" if hint else fault


def _misplaced_texts(fields: Mapping[str, FieldInfo]) -> dict[str, ValidationError]:
    """Return the faults of unvalidated texts that are defaults of fields for another type."""
    texts = {
        name: _misfit(whole_annotation(field), field.default)
        for name, field in fields.items()
        if type(field.default) is str and not field.validate_default
    }
    return {
        name: error
        for name, error in texts.items()
        if isinstance(error, ValidationError)
        and all(fault["type"].endswith(_OF_TYPES) for fault in error.errors(include_url=False))
    }


_OF_TYPES = ("_parsing", "_type")
"""The ends of the types of errors that pydantic has for a value of a wrong type."""


def _may_be_unfit(field: FieldInfo) -> bool:
    if not field.validate_default or field.is_required():
        return False
    if field.default_factory is not None:
        return True
    # `get_default` of pydantic 2.13.0 asks for the truth of an empty array.
    return not fits(whole_annotation(field), deepcopy(field.default))


def fits(annotation: Any, default: Any) -> bool:
    """Check whether a type accepts a default, without the methods of the class that has it."""
    return _misfit(annotation, default) is None


def _misfit(annotation: Any, default: Any) -> Exception | None:
    try:
        TypeAdapter(annotation).validate_python(default)
    except Exception as error:  # validators of the author may raise anything
        return error
    return None


def _make_default(field: FieldInfo, wrap: Callable[[Any], Any]) -> None:
    """Replace the default of a field by a factory that wraps it."""
    original = copy(field)

    def make(data: dict[str, Any] | None) -> Any:
        return wrap(original.get_default(call_default_factory=True, validated_data=data))

    takes_data = original.default_factory_takes_validated_data
    field.default = PydanticUndefined
    # pydantic calls a factory with a parameter only if all fields before are valid.
    field.default_factory = make if takes_data else partial(make, None)


def _default_validator(author: type[BaseModel]) -> Any:
    def validate(
        cls: type[BaseModel],
        value: Any,
        handler: ValidatorFunctionWrapHandler,
        info: ValidationInfo,
    ) -> Any:
        return read_default(f"{author.__name__}.{info.field_name}", value, handler)

    return classmethod(validate)


def read_default(place: str, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Validate a value or a marked default, whose field `place` names in an error."""
    if not isinstance(value, Default):
        return handler(value)
    try:
        return handler(value.value)
    except ValidationError as error:
        raise invalid_default(place, value.shown, error) from None
