"""The array encoding binref, and the document format that uses it."""
