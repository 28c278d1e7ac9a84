"""The HTTP service, assembled from the catalog. Nothing here loads the Tesseract or numpy."""
