"""Python's collector of cycles, told what a process of ours is like."""

import gc

NEW_OBJECTS = 20_000
"""So many more must have come than gone before the collector looks for those that hold only each other. Python's own number is
700, and one request makes thousands."""


def freeze_gc() -> None:
    """What is there now stays: looking through all modules again and again would be a third of a billing run's work. Called
    when a process has read its program and before it begins its work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
