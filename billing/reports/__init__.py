"""What the rows say together: the books of a period, files of them, the doctor at night, the watch each minute."""
