"""The cycle: notices, charges, their settlement, cancellation."""
