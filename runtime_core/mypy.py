"""A mypy plugin that treats `Array[(None, 3), Float64]` as the type of its numpy arrays.

Without it, mypy reports the tuple in an annotation as a syntax error. Enable it with

    [tool.mypy]
    plugins = ["runtime_core.mypy"]
"""

from __future__ import annotations

from collections.abc import Callable

from mypy.plugin import AnalyzeTypeContext, Plugin
from mypy.types import AnyType, Type, TypeOfAny

_ARRAY = "runtime_core.arrays.field_types.Array"


class ArrayPlugin(Plugin):
    """Gives array annotations the type of their values."""

    def get_type_analyze_hook(self, fullname: str) -> Callable[[AnalyzeTypeContext], Type] | None:
        """Return the analysis of an array annotation."""
        return _array if fullname == _ARRAY else None


def _array(context: AnalyzeTypeContext) -> Type:
    unknown = AnyType(TypeOfAny.explicit)
    return context.api.named_type("numpy.ndarray", [unknown, unknown])


def plugin(version: str) -> type[Plugin]:
    """Return the plugin; mypy calls this with its version."""
    return ArrayPlugin
