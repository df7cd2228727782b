"""`make demo`: the whole service on one machine, started, watched and stopped together."""
