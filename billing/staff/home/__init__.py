"""A member's first page: what waits today, a part for each role. Reads only, by indexes, and never more than a page of rows."""
