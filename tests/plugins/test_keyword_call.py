"""Functions of declarations take the arguments of their contract that they name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runtime_core.contracts import lazy_call
from runtime_core.plugins.keyword_call import KeywordCall, UnknownParameter

FUNCTIONS: dict[str, tuple[Callable[..., Any], Any]] = {
    "all": (lambda endpoint, binding: (endpoint, binding), ("jacobian", "it")),
    "in another order": (lambda binding, endpoint: (endpoint, binding), ("jacobian", "it")),
    "one": (lambda binding: binding, "it"),
    "none": (lambda: "nothing", "nothing"),
    "a default of its own": (lambda binding, step=3: (binding, step), ("it", 3)),
    "keywords": (lambda **given: sorted(given), ["binding", "endpoint"]),
    "one and keywords": (lambda binding, **rest: (binding, rest), ("it", {"endpoint": "jacobian"})),
    "only positions": (lambda *rest: rest, ()),
}


@pytest.mark.parametrize(("function", "expected"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_gets_what_it_names(function: Callable[..., Any], expected: Any) -> None:
    """The contract may offer more than a function wants."""
    call = KeywordCall(function, ["endpoint", "binding"])
    assert call(endpoint="jacobian", binding="it") == expected


def test_a_function_in_c_gets_everything() -> None:
    """It has no signature to read."""
    assert KeywordCall(dict, ["endpoint"])(endpoint="jacobian") == {"endpoint": "jacobian"}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda bindin: None, "the parameter 'bindin', which its contract does not offer. Did you"),
        (lambda binding, depth: None, "the parameter 'depth', .* It can name: binding, endpoint"),
        (lambda binding, /: None, "the parameter 'binding'"),
        (lambda *, depth: None, "the parameter 'depth'"),
    ],
)
def test_a_function_cannot_require_anything_else(
    function: Callable[..., Any], message: str
) -> None:
    """It is refused when it is declared."""
    with pytest.raises(UnknownParameter, match=message):
        KeywordCall(function, ["endpoint", "binding"])


def test_a_function_that_is_not_imported_yet_is_refused_later() -> None:
    """Declaring it imports nothing."""
    wrong = KeywordCall(lazy_call("shutil:copyfile"), ["target"])
    with pytest.raises(UnknownParameter, match="'src'"):
        wrong.load()
    with pytest.raises(UnknownParameter, match="'src'"):
        wrong(target="x")
