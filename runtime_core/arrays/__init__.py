"""Arrays in pydantic models: annotations, coercion, encodings and JSON Schema."""
