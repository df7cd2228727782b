"""Checks before going live (`billing check`). They change nothing; `order.CHECKS` is their order."""
