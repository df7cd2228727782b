"""Backups of the database with PostgreSQL's own programs, and their restore into an empty database."""
