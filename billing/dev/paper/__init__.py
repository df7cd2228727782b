"""The demo's newspaper: sample articles, recordings, feeds."""
