"""What the acquirer tells us: stored once, settled later."""
