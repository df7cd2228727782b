"""Money back: intended, sent, settled with a credit note."""
