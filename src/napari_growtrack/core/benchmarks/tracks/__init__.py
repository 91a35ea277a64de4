"""How well films are linked that are like those of the ISBI Particle Tracking Challenge, by us and by others."""
