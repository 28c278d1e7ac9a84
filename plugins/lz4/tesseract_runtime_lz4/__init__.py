"""The compressor lz4."""
