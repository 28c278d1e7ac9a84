"""The choice of a backend for each endpoint."""

from __future__ import annotations

import pytest

from runtime_core.catalog import Catalog
from tests.builtin.conftest import GRADIENTS, JACOBIAN, VJP
from tests.conftest import DOUBLE
from tests.gradients.conftest import OWN_JACOBIAN, Make, backend, serving_backend


def test_only_the_authors_functions_are_used_by_default(made: Make) -> None:
    """Other backends are not called."""
    asked: list[str] = []
    runtime = made(DOUBLE + OWN_JACOBIAN, backend("exact", 20, asked=asked))
    assert [serving_backend(runtime, endpoint) for endpoint in GRADIENTS] == ["native", None, None]
    assert asked == []


@pytest.mark.parametrize(
    ("options", "file", "expected"),
    [
        ("exact", None, ("exact", "exact", "exact")),
        (None, "exact", ("exact", "exact", "exact")),
        ("coarse", "exact", ("coarse", "coarse", "coarse")),
        ("native", "exact", ("native", None, None)),
        ("jacobian=coarse", "exact", ("coarse", "exact", "exact")),
        ("jacobian=coarse", None, ("coarse", None, None)),
        ("jacobian=coarse", "jacobian=exact", ("coarse", None, None)),
        ("coarse", "jacobian=exact", ("coarse", "coarse", "coarse")),
        (
            "jacobian=coarse",
            "vector_jacobian_product=exact",
            ("coarse", None, "exact"),
        ),
        ("jacobian=coarse,exact", None, ("coarse", "exact", "exact")),
        ("jacobian=native,exact", None, ("native", "exact", "exact")),
        ("auto", None, ("native", "exact", "exact")),
        ("jacobian=auto", "coarse", ("native", "coarse", "coarse")),
        ("vector-jacobian-product=coarse", None, ("native", None, "coarse")),
    ],
)
def test_the_choice_is_made_for_each_endpoint(
    options: str | None, file: str | None, expected: tuple[str | None, ...], made: Make
) -> None:
    """Options override the file; a bare name overrides all of it."""
    source = DOUBLE + OWN_JACOBIAN
    source += "" if file is None else f"gradient_backend = {file!r}\n"
    flags = {} if options is None else {"gradient_backend": options}
    runtime = made(source, backend("exact", 20), backend("coarse", 90), **flags)
    assert tuple(serving_backend(runtime, endpoint) for endpoint in GRADIENTS) == expected


def test_a_file_may_choose_by_a_mapping(made: Make) -> None:
    """A mapping of endpoints to names is the same as the text."""
    source = DOUBLE + "gradient_backend = {'jacobian': 'coarse', '*': 'exact'}\n"
    runtime = made(source, backend("exact"), backend("coarse"))
    found = [serving_backend(runtime, endpoint) for endpoint in GRADIENTS]
    assert found == ["coarse", "exact", "exact"]


def test_auto_goes_by_rank(made: Make) -> None:
    """The lowest rank wins, then the name; backends without a rank are ignored."""
    backends = (
        backend("zebra", 20),
        backend("none", None),
        backend("coarse", 90),
        backend("aardvark", 20, serves=(JACOBIAN,)),
        backend("best", 10, serves=(VJP,)),
    )
    runtime = made(DOUBLE, *backends, gradient_backend="auto")
    found = [serving_backend(runtime, endpoint) for endpoint in GRADIENTS]
    assert found == ["aardvark", "zebra", "best"]


def test_auto_prefers_the_authors_functions(made: Make) -> None:
    """The author's functions come first."""
    runtime = made(DOUBLE + OWN_JACOBIAN, backend("exact", 1), gradient_backend="auto")
    assert serving_backend(runtime, JACOBIAN) == "native"


def test_first_party_backends_have_their_ranks(catalog: Catalog) -> None:
    """Native comes before derived, and finite differences after everything else."""
    ranks = {b.name: b.auto_rank for b in catalog.gradient_backends if b.auto_rank is not None}
    assert ranks["native"] == 0
    assert max(ranks.values()) == ranks["finite-differences"] == 90
    assert ranks["derived"] == min(rank for name, rank in ranks.items() if name != "native") == 10


def test_auto_of_what_is_installed(runtime: Make) -> None:
    """A file's own function is used, and the others are derived from it."""
    made = runtime(DOUBLE + OWN_JACOBIAN, gradient_backend="auto")
    found = [serving_backend(made, endpoint) for endpoint in GRADIENTS]
    assert found == ["native", "derived", "derived"]


def test_a_backend_is_asked_once_for_each_endpoint(made: Make) -> None:
    """The same function is returned again."""
    asked: list[str] = []
    runtime = made(DOUBLE, backend("exact", asked=asked), gradient_backend="exact")
    for _ in range(3):
        runtime.function(JACOBIAN)
    assert asked == [JACOBIAN]
