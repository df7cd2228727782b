"""Pages and endpoints, by audience."""
