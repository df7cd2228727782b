"""The publisher's numbers, counted from ledger and history."""
