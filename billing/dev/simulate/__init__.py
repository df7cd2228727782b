"""Months in minutes: a crowd of readers lives on a real installation, with faults and crashes, and everything is checked."""
