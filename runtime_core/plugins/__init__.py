"""Finding and loading plugins: from entry points to a `Catalog`.

The steps are those of a start: `discovery` finds and imports, `assembly` asks the hooks and
sorts the declarations, `hints` knows what could be installed.
"""

from runtime_core.plugins.assembly import assemble
from runtime_core.plugins.discovery import PluginSelection, discover
from runtime_core.plugins.loading import load_catalog

__all__ = ["PluginSelection", "assemble", "discover", "load_catalog"]
