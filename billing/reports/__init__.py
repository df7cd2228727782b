"""What the rows say together: the books of a period, and files of them."""
