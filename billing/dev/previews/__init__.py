"""Every page with sample values, to look at."""
