"""The commands of the core beside those of the endpoints."""
