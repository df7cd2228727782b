"""What staff, and programs with a key, do for a reader: one small class an act. `perform` is the one way to do them."""
