"""The plugin acme-example of tesseract-runtime."""
