"""Double-entry accounts, postings, revenue recognition. Knows no invoice."""
