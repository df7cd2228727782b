"""Personal data of readers: a register of where it is, and the erasure of one reader's."""
