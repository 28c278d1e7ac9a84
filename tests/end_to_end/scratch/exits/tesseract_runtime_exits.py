"""Ends the process when it is imported."""

import sys

sys.exit("nothing to see here")
