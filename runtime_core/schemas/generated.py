"""Models generated from the author's own: subclasses that refuse unknown keys.

`Apply_InputSchema` is a subclass of `InputSchema` in which every nested model is replaced by its
generated subclass. Fields also accept instances of the author's models.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, get_args, get_origin

from pydantic import (
    BaseModel,
    ModelWrapValidatorHandler,
    RootModel,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from runtime_core.arrays.untyped import Untyped, untyped
from runtime_core.errors import InvalidTesseract
from runtime_core.schemas.defaults import (
    default_faults,
    faults_of_empty,
    guard_defaults,
    invalid_default,
    whole_annotation,
)
from runtime_core.schemas.integers import read_integers
from runtime_core.schemas.structures import (
    author_named,
    class_of,
    is_structure,
    rebuilt,
    reduced_to,
    types_of,
)
from runtime_core.schemas.walk import (
    UNIONS,
    Node,
    fields_of,
    holds_arrays,
    is_array,
    is_model,
    walk,
)


class ModelGenerator:
    """Generates the models of one endpoint, exactly one for each of the author's.

    `leaf` returns the replacement of an array type; by default, array types are kept. Defaults
    that do not fit their fields are collected in `default_faults`.
    """

    def __init__(self, prefix: str, leaf: Callable[[Any], Any] | None = None) -> None:
        self._prefix = prefix
        self._leaf = leaf
        self._made: dict[Any, Any] = {}
        self.default_faults: dict[str, None] = {}  # in order, each once
        self._open: list[Any] = []
        self._choices: set[Any] = set()  # models inside of unions

    def model(self, author: type[BaseModel]) -> type[BaseModel]:
        """Return the generated subclass of an author's model.

        Raises `InvalidTesseract` for a recursive model that holds arrays.
        """
        if author not in self._made:
            with self._entered(author, "model"):
                self._made[author] = self._subclass(author)
        made: type[BaseModel] = self._made[author]
        return made

    @contextmanager
    def _entered(self, author: Any, noun: str) -> Iterator[None]:
        """Refuse an author's class that is entered a second time inside of itself."""
        if author in self._open:
            raise InvalidTesseract(
                f"{class_of(author).__name__} contains itself. A recursive {noun} cannot hold "
                "arrays: its paths would have no end."
            )
        self._open.append(author)
        try:
            yield
        finally:
            self._open.pop()

    def annotation(self, annotation: Any) -> Any:
        """Replace every model in an annotation by its generated one."""
        if is_array(annotation):
            return annotation if self._leaf is None else self._leaf(annotation)
        if is_model(annotation):
            return self.model(annotation) if _is_finite(annotation) else annotation
        if is_structure(annotation):
            return self._structure(annotation) if holds_arrays(annotation) else annotation
        if isinstance(annotation, TypeAliasType):
            return self._alias(annotation)
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return Annotated[self.annotation(arguments[0]), *arguments[1:]]
        if not arguments:
            return untyped(annotation)
        inner = tuple(self.annotation(argument) for argument in arguments)
        if isinstance(origin, TypeAliasType):
            return self.annotation(origin.__value__[arguments])
        if inner == arguments:
            return annotation
        if origin in UNIONS:
            return reduce(or_, inner)
        return origin[inner]

    def _structure(self, author: Any) -> Any:
        if author not in self._made:
            with self._entered(author, "class"):
                types = types_of(author)
                inner = {name: self.annotation(t) for name, t in types.items()}
            name = f"{self._prefix}_{class_of(author).__name__}"
            arrays = [name for name, t in types.items() if holds_arrays(t)]
            made = self._made[author] = rebuilt(author, name, inner, arrays)
            self._add_faults(faults_of_empty(TypeAdapter(made).validate_python))
        return self._made[author]

    def _alias(self, alias: TypeAliasType) -> Any:
        if alias in self._open and not holds_arrays(alias):
            return alias
        with self._entered(alias, "type"):
            return self.annotation(alias.__value__)

    def _subclass(self, author: type[BaseModel]) -> type[BaseModel]:
        self._choices.update(node.type for node in walk(author) if _is_written_exactly(node))
        root = issubclass(author, RootModel)
        keywords = {} if root or "extra" in author.model_config else {"extra": "forbid"}
        with warnings.catch_warnings():
            # pydantic has given the same warnings for the author's own class.
            warnings.simplefilter("ignore", UserWarning)
            made: type[BaseModel] = types.new_class(
                f"{self._prefix}_{author.__name__}",
                (author,),
                keywords,
                lambda namespace: namespace.update(self._namespace(author)),
            )
        self._add_faults(default_faults(made))
        return made

    def _add_faults(self, faults: Iterable[str]) -> None:
        self.default_faults.update(dict.fromkeys(faults))

    def _namespace(self, author: type[BaseModel]) -> dict[str, Any]:
        annotations: dict[str, Any] = {}
        namespace: dict[str, Any] = {
            "__annotations__": annotations,
            "__module__": author.__module__,
            "__doc__": author.__doc__,
            _ACCEPT: model_validator(mode="wrap")(_instances_of(author, self._choices)),
            "__reduce_ex__": reduced_to(author),
        }
        fields = {name: self._field(author, field) for name, field in fields_of(author).items()}
        annotations.update({name: field.annotation for name, field in fields.items()})
        if _has_untyped_extras(author):
            annotations["__pydantic_extra__"] = dict[str, Untyped]
        return namespace | guard_defaults(author, fields) | read_integers(fields) | fields

    def _field(self, author: type[BaseModel], field: FieldInfo) -> FieldInfo:
        generated = copy(field)
        generated.annotation = self.annotation(field.annotation)
        if any(is_array(node.type) or _is_written_exactly(node) for node in walk(field.annotation)):
            generated.validate_default = True  # so that functions always get numpy arrays
        elif field.validate_default is None:
            generated.validate_default = author.model_config.get("validate_default")
        return generated


def author_of(model: Any) -> Any:
    """Return the author's model that a generated one is made of, or `None` for any other class."""
    made = isinstance(model, type) and _ACCEPT in vars(model)
    return model.__mro__[1] if made else None


_ACCEPT = "accept_instances_of_the_author"


def _has_untyped_extras(author: type[BaseModel]) -> bool:
    """Check whether a model takes unknown keys, without a type for their values."""
    classes = author.__mro__[: author.__mro__.index(BaseModel)]
    typed = any("__pydantic_extra__" in vars(c).get("__annotations__", ()) for c in classes)
    return author.model_config.get("extra") == "allow" and not typed


def _is_written_exactly(node: Node) -> bool:
    """Check for a model in a union, which writes only instances of the generated class."""
    return node.choice and is_model(node.type)


def _is_finite(model: type[BaseModel]) -> bool:
    """Check whether a model can be generated: a recursive one without arrays is kept unchanged."""
    return holds_arrays(model) or not _contains(model, model)


def _contains(model: Any, sought: type[BaseModel], seen: frozenset[Any] = frozenset()) -> bool:
    inner = (
        [field.annotation for field in fields_of(model).values()]
        if is_model(model)
        else list(get_args(model))
    )
    return any(
        part is sought or (part not in seen and _contains(part, sought, seen | {part}))
        for part in inner
        if isinstance(part, type) or get_args(part)
    )


def _instances_of(author: type[BaseModel], choices: Collection[Any]) -> Callable[..., Any]:
    bare = author.__pydantic_generic_metadata__["origin"]

    def accept(cls: type[BaseModel], value: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        if type(value) is dict:
            return author_named(handler, value, author)
        if bare is not None and isinstance(value, bare) and not isinstance(value, author):
            value = author.model_validate(value)  # of the generic model, or of other parameters
        if type(value) is cls and cls.model_config.get("validate_assignment", False):
            return handler(value)  # a field of it may be assigned to
        if isinstance(value, author):
            value = _with_validated_defaults(value, cls)
            return _converted(value, cls) if author in choices else value
        return author_named(handler, value, author)

    accept.__name__ = author.__name__  # for the places of faults in unions
    return classmethod(accept)  # type: ignore[return-value]  # pydantic wants the raw classmethod


def _converted(value: BaseModel, generated: type[BaseModel]) -> BaseModel:
    """Copy an instance to the generated class: members of unions write no others."""
    if type(value) is generated:
        return value
    converted = copy(value)
    object.__setattr__(converted, "__class__", generated)  # the model may be frozen
    return converted


def _with_validated_defaults(value: BaseModel, generated: type[BaseModel]) -> BaseModel:
    """Convert the arrays of an author's instance to numpy, including unvalidated defaults."""
    changed = {}
    for name, validate in _array_fields(generated).items():
        old = getattr(value, name)
        try:
            new = validate(old)
        except ValidationError as error:
            raise _invalid_field(value, name, error) from None
        if new is not old:
            changed[name] = new
    return value.model_copy(update=changed) if changed else value


def _invalid_field(instance: BaseModel, name: str, error: ValidationError) -> PydanticCustomError:
    if name not in instance.model_fields_set:
        return invalid_default(f"{type(instance).__name__}.{name}", getattr(instance, name), error)
    first = error.errors(include_url=False)[0]
    context = {"place": ".".join(map(str, (name, *first["loc"]))), "problem": first["msg"]}
    return PydanticCustomError("invalid_field", "{place}: {problem}", context)


@cache  # one adapter per field of a generated model, which lives as long as its Tesseract
def _array_fields(generated: type[BaseModel]) -> dict[str, Callable[[Any], Any]]:
    """Return validators of the fields with arrays, which are those with validated defaults."""
    return {
        name: TypeAdapter(whole_annotation(field)).validator.validate_python
        for name, field in generated.model_fields.items()
        if field.validate_default
    }
