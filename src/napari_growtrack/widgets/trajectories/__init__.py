"""The Trajectories panel: link detections, correct trajectories by hand, and measure their motion."""
