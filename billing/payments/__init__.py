"""Money: invoices, attempts, payments, refunds, and the port to the acquirer."""
