"""What can be chosen of finite differences; it costs no import of numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Algorithm = Literal["central", "forward", "stochastic"]

Step = float | Literal["auto"]
"""An absolute step, or one that is scaled to each element's magnitude and data type."""

Eps = Step | Mapping[str, Step]
"""One step for all inputs, or one for each input path."""
