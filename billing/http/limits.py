"""Limits of one request, shared by the access cache and the framework."""

MOST_BYTES = 64 * 1024
"""Bytes of a body."""
MOST_WEBHOOK_BYTES = 512 * 1024
MOST_ARTICLES = 500
"""Articles in one request, with an API key."""
MOST_WITHOUT_KEY = 50
