"""Cases: what a machine found and only a person can explain. Opened once, closed by a person with a reason."""
