"""Masthead: trials, monthly billing, cancellations, and who may read which article."""
