"""Mutation testing: make small random changes to the product and check that a test fails. See `python -m tests.mutation --help`."""
