"""A network of a few lines that detection cannot tell from a grown one."""

import numpy as np


class PointSeer:
    """Sees pixels of value 1; stage 1 only to whole pairs of pixels, stage 2 exactly, both up to 8 px away."""

    window, step, stages, normalisation, zoom = 21, 4, 2, "unit", 1

    def __init__(self):
        self.windows_asked = {1: 0, 2: 0}

    def answer(self, images, stage):
        views = np.lib.stride_tricks.sliding_window_view(images, (self.window,) * 2, axis=(1, 2))
        views = views[:, :: self.step, :: self.step]
        self.windows_asked[stage] += int(np.prod(views.shape[:3]))
        return np.apply_along_axis(self._one, 3, views.reshape(*views.shape[:3], -1), stage)

    def _one(self, pixels, stage):
        spots = np.argwhere(pixels.reshape(self.window, self.window) == 1) - self.window // 2
        if not len(spots):
            return np.array([0.0, 0.0, 8.0])
        spot = spots[np.hypot(*spots.T).argmin()]
        if stage == 1:
            spot = 2 * np.round(spot / 2)
        return np.array([*spot, min(np.hypot(*spot), 8.0)])


def frame_with(*spots, shape=(60, 80)):
    """A black frame with pixels of value 1."""
    frame = np.zeros(shape, np.float32)
    for spot in spots:
        frame[spot] = 1
    return frame
