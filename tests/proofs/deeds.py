"""Every deed there is, in the order in which they are told."""

from tests.proofs import deeds_of_people, deeds_of_workers
from tests.proofs.deed import DEEDS, Deed

__all__ = ["DEEDS", "Deed", "deeds_of_people", "deeds_of_workers"]
