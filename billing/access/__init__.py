"""Who may read which article."""
