"""Our books against the acquirer's."""
