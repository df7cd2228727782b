"""Who works here: signing in, finding readers, acting for them, answering them. The audit has a line for everything they did."""
