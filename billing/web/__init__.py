"""Thin pages and endpoints."""
