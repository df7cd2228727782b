"""Another address for a reader: asked for, confirmed by the new one, stopped by the old one; and what follows an address."""
