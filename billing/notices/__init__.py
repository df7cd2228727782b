"""What readers are told: one function a mail."""
