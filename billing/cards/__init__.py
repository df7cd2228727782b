"""Saved cards, the hosted page that saves one, and the start that follows from it."""
