"""The machine surface: /v1."""
