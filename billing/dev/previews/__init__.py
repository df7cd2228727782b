"""Previews: every page with sample values."""
