"""The Grow panel: grow a network for a scene, stage by stage."""
