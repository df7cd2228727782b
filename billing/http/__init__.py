"""What the fast path and the pages share: cookies, JSON shapes, limits."""
