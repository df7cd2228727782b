"""The rules, each with its table of cases and its properties."""
