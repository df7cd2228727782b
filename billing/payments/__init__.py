"""Invoices, attempts, payments and their documents."""
