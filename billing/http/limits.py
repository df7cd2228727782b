"""How much one request may carry and ask. The access cache and the framework hold it against the same numbers."""

MOST_BYTES = 64 * 1024
"""Of a body."""
MOST_WEBHOOK_BYTES = 512 * 1024
MOST_ARTICLES = 500
"""Articles in one question, with an API key."""
MOST_WITHOUT_KEY = 50
