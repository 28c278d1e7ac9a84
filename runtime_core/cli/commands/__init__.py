"""The commands of the core other than those of endpoints."""
