"""Simulate months in minutes: many readers use a real installation, with faults and crashes, and every result is checked."""
