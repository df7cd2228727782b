"""Mutation testing: small changes to the product, drawn from a seed, and the tests that notice them. See `python -m tests.mutation --help`."""
