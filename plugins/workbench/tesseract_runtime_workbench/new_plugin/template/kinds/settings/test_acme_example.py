"""Tests of the options."""

from collections.abc import Callable
from subprocess import CompletedProcess

from runtime_core.catalog import Catalog
from runtime_core.config import resolve


def test_option_is_set_by_its_variable(catalog: Catalog) -> None:
    """The environment sets the option, which has a default."""
    variable = "TESSERACT_ACME_EXAMPLE_SIZE"
    for environment, size in (({}, 10), ({variable: "3"}, 3)):
        config = resolve(catalog, flags={}, environment=environment)
        assert config.section("acme_example").size == size


def test_wrong_value_is_refused(cli_here: Callable[..., CompletedProcess[str]]) -> None:
    """A value that does not fit is an error that names the option."""
    ended = cli_here("health", "--acme-example-size", "0")
    assert ended.returncode == 2
    assert "--acme-example-size='0'" in ended.stderr
