"""The options of the backend: flags, variables, and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import dump, resolve, restore
from runtime_core.errors import InvalidOption
from tesseract_runtime_finite_differences.scheme import Scheme
from tesseract_runtime_finite_differences.settings import FiniteDifferencesSettings


def scheme(
    catalog: Catalog,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Scheme:
    """Return the scheme of flags and variables."""
    config = resolve(catalog, flags=flags or {}, environment=environment or {})
    section = config.section("finite_differences")
    assert isinstance(section, FiniteDifferencesSettings)
    return Scheme(**dict(section))


def test_defaults(catalog: Catalog) -> None:
    """Unlike the functions, the backend scales its steps unless told otherwise."""
    assert scheme(catalog) == Scheme(algorithm="central", eps="auto", num_samples=None, seed=None)


def test_every_option_is_a_flag(catalog: Catalog) -> None:
    """Flags are parsed."""
    flags = {
        "finite_differences_algorithm": "forward",
        "finite_differences_eps": "1e-3",
        "finite_differences_num_samples": "12",
        "finite_differences_seed": "7",
    }
    assert scheme(catalog, flags) == Scheme(algorithm="forward", eps=1e-3, num_samples=12, seed=7)


@pytest.mark.parametrize("prefix", ["TESSERACT_", "TESSERACT_RUNTIME_"])
def test_every_option_is_a_variable(catalog: Catalog, prefix: str) -> None:
    """Variables have the names of the flags."""
    environment = {
        f"{prefix}FINITE_DIFFERENCES_ALGORITHM": "stochastic",
        f"{prefix}FINITE_DIFFERENCES_EPS": "auto",
        f"{prefix}FINITE_DIFFERENCES_NUM_SAMPLES": "3",
        f"{prefix}FINITE_DIFFERENCES_SEED": "0",
    }
    assert scheme(catalog, environment=environment) == Scheme(
        algorithm="stochastic", eps="auto", num_samples=3, seed=0
    )


@pytest.mark.parametrize(
    ("text", "eps"),
    [
        ("x=1e-3", {"x": 1e-3}),
        ("x=1e-3,y.[0].w=auto", {"x": 1e-3, "y.[0].w": "auto"}),
        (" x = 2 , k.{a=b} = 1e-6 ", {"x": 2.0, "k.{a=b}": 1e-6}),
        ("auto", "auto"),
        ("5", 5.0),
    ],
)
def test_steps_are_read(catalog: Catalog, text: str, eps: Any) -> None:
    """A step is a number, auto, or one of both for each path."""
    assert scheme(catalog, {"finite_differences_eps": text}).eps == eps


@pytest.mark.parametrize(
    "eps", ["0", "-1", "inf", "nan", "automatic", "x=", "x=-1", "x=1,y", "x=1,y=nan"]
)
def test_wrong_steps_are_refused(catalog: Catalog, eps: str) -> None:
    """The message has the flag, its value and the valid ones, in one line."""
    with pytest.raises(InvalidOption) as caught:
        scheme(catalog, {"finite_differences_eps": eps})
    message = str(caught.value)
    assert message.startswith(f"--finite-differences-eps={eps!r}: ")
    assert "auto" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("ALGORITHM", "centrl"),
        ("ALGORITHM", "Central"),
        ("NUM_SAMPLES", "0"),
        ("NUM_SAMPLES", "2.5"),
        ("NUM_SAMPLES", "many"),
        ("SEED", "x"),
        ("SEED", "-1"),
    ],
)
def test_wrong_values_are_refused(catalog: Catalog, option: str, value: str) -> None:
    """The message has the variable and its value."""
    variable = f"TESSERACT_FINITE_DIFFERENCES_{option}"
    with pytest.raises(InvalidOption) as caught:
        scheme(catalog, environment={variable: value})
    assert str(caught.value).startswith(f"{variable}={value!r}: ")


def test_options_arrive_in_another_process(catalog: Catalog) -> None:
    """A worker has the scheme of its server."""
    flags = {"finite_differences_eps": "x=1e-3", "finite_differences_seed": "7"}
    config = resolve(catalog, flags=flags, environment={})
    restored = restore(catalog, dump(config))
    assert dict(restored.section("finite_differences")) == dict(
        config.section("finite_differences")
    )
