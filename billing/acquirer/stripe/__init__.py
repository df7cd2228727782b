"""Stripe behind the port. The only folder that knows its words."""
