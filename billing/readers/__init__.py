"""Who reads: accounts, sign-in links, sessions, consents."""
