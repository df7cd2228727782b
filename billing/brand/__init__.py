"""What readers see of the publisher and staff may change: a row, the rules for it, and who reads it."""
