"""Mail: written as a row first, sent by another job, kept in a folder in the demo."""
