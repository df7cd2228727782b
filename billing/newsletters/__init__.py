"""Newsletters: who wants which, what an issue says, and sending it to each once."""
