"""For development and the demo. Never imported by a live process."""
