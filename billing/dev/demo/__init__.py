"""`make demo`: the whole service on one machine, started, monitored and stopped together."""
