"""Who works here: signing in, finding readers, acting for them, answering them; and a line for everything they did."""
