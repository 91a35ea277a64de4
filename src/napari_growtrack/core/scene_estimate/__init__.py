"""From a few particles a person clicked to a scene whose pictures look like the film."""

from .match import SceneEstimate, estimate_sentence, match_film

__all__ = ["SceneEstimate", "estimate_sentence", "match_film"]
