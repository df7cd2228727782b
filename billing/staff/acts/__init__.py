"""What staff, and programs with a key, do for a reader: a small class for each act. `perform` is the only way to do one."""
