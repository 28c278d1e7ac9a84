"""The run sink mlflow."""
