"""What every page is built with."""
