"""Link detections by evidence: how each particle moves, how sure its positions are, and how particles come and go.

Costs of links are negative logarithms of likelihoods; what they are made of is learned from the film. Each frame's
detections are assigned to the particles before it at the least cost, exactly, first by the past alone, then, sweep by
sweep, by past and future.
"""

from .linker import Evidence, link_by_evidence

__all__ = ["Evidence", "link_by_evidence"]
