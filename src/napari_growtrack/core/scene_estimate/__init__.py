"""From a few particles a person clicked to a scene whose pictures look like the film."""

from .match import Likeness, likeness_sentence, match_film

__all__ = ["Likeness", "likeness_sentence", "match_film"]
