"""Conformance suites for plugins: classes of tests of which a plugin's own tests are subclasses.

They need pytest and hypothesis, and test what is installed as a plugin.
"""

from __future__ import annotations

try:
    import hypothesis  # noqa: F401  # only to say both at once
    import pytest
except ImportError as error:
    raise ImportError(
        "runtime_core.testing needs pytest and hypothesis. "
        "Install them with: pip install pytest hypothesis"
    ) from error

# pytest explains the assertions of a module only when it knows of it before the import.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{name}"
        for name in (
            *("compressors", "echo", "encodings", "mutations", "refusals", "round_trips"),
            *("logged_runs", "run_sinks"),
        )
    )
)

from runtime_core.testing.compressors import CompressorConformance  # noqa: E402  # see above
from runtime_core.testing.echo import Echo, made_echo  # noqa: E402
from runtime_core.testing.encodings import ArrayEncodingConformance  # noqa: E402
from runtime_core.testing.formats import FormatConformance  # noqa: E402
from runtime_core.testing.logged_runs import LoggedRun  # noqa: E402
from runtime_core.testing.mutations import (  # noqa: E402
    documents_to_damage,
    survive_edits,
    survive_exchanges,
)
from runtime_core.testing.run_sinks import RunSinkConformance  # noqa: E402

__all__ = [
    "ArrayEncodingConformance",
    "CompressorConformance",
    "Echo",
    "FormatConformance",
    "LoggedRun",
    "RunSinkConformance",
    "documents_to_damage",
    "made_echo",
    "survive_edits",
    "survive_exchanges",
]
