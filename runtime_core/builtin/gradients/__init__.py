"""The gradient endpoints: `jacobian` and its products with a vector."""
