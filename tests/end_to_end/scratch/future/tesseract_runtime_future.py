"""Must not be imported by a runtime that it does not fit."""

raise RuntimeError("this module was imported")
