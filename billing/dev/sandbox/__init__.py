"""A Stripe sandbox: a server on loopback that the official SDK talks to as if it were Stripe."""
