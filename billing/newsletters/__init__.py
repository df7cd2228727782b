"""Newsletters: sign-ups, issues, and sending each issue once to each recipient."""
