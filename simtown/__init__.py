"""simtown: synthetic Gas Town towns with known ground truth, the same bytes for the same seed on any machine."""

from simtown.truth import Truth
from simtown.world import generate

__all__ = ["Truth", "generate"]
