"""What the gate remembers, and how it is kept true."""
