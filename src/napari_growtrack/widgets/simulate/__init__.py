"""The Simulate panel: describe a scene, match it to a film, and make films with known truth."""
