"""The HTTP service, assembled from the catalog. It loads neither the Tesseract nor numpy."""
