"""What the rows say together: the books of a period, files of them, and how they compare with the acquirer's."""
