"""What people ask for: cancel, withdraw, pause, change plan, extend."""
