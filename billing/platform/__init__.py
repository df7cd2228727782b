"""The ground: database, clock, settings, tokens, logs."""
