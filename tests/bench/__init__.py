"""What things cost, beside what they could cost at best: `make bench`."""
