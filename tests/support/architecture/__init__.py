"""Reads the source as syntax and tells where it breaks the rules of the house.

Each check takes a `Source` and yields what is wrong with it, so that a test can hand it a few lines that break a
rule and see it found.
"""
