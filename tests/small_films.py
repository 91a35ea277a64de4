"""Films that are simulated in a moment."""

import numpy as np

from napari_growtrack.core.films.writing import write_film
from napari_growtrack.core.simulation import iter_film, named_scene


def film_of_spots(folder, frames, side, particles):
    """Write a film of bright spots, SNR 5, and return its path."""
    path, shape = folder / "film.tif", (side, side)
    film = iter_film(named_scene("table42").with_(snr=5), frames, shape, np.random.default_rng(0), particles)
    write_film(film, frames, shape, path)
    return path
