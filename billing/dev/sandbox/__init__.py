"""A Stripe sandbox: a server on loopback that the official SDK uses as if it were Stripe."""
