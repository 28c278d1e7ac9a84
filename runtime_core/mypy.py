"""A mypy plugin that reads `Array[(None, 3), Float64]` as the numpy array that fields hold.

Without it mypy calls the tuple in an annotation a syntax error. Switch it on with

    [tool.mypy]
    plugins = ["runtime_core.mypy"]
"""

from __future__ import annotations

from collections.abc import Callable

from mypy.plugin import AnalyzeTypeContext, Plugin
from mypy.types import Type

_ARRAY = "runtime_core.arrays.annotation.Array"
_DIFFERENTIABLE = "runtime_core.arrays.annotation.Differentiable"


class ArrayPlugin(Plugin):
    """Gives annotations of arrays the type of their values."""

    def get_type_analyze_hook(self, fullname: str) -> Callable[[AnalyzeTypeContext], Type] | None:
        """Return the analysis of the two annotations, for mypy."""
        return {_ARRAY: _array, _DIFFERENTIABLE: _inner}.get(fullname)


def _array(context: AnalyzeTypeContext) -> Type:
    return context.api.named_type("numpy.ndarray", [_any(context), _any(context)])


def _inner(context: AnalyzeTypeContext) -> Type:
    return context.api.analyze_type(context.type.args[0])


def _any(context: AnalyzeTypeContext) -> Type:
    from mypy.types import AnyType, TypeOfAny

    return AnyType(TypeOfAny.explicit)


def plugin(version: str) -> type[Plugin]:
    """Return the plugin, for any version of mypy."""
    return ArrayPlugin
