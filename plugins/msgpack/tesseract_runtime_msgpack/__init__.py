"""The document format msgpack."""
