"""Track particles in microscopy films with networks that are grown stage by stage.

The public names are loaded on first use, so that importing the package is quick and brings neither Keras nor napari.

Examples
--------
>>> import napari_growtrack as gt
>>> network = gt.load_network("vesicles")  # doctest: +SKIP
>>> detections = gt.detect("film.tif", network, network.cascade())  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "core.networks.card": ("Card", "Recipe"),
    "core.datasets": ("Augmentation", "Dataset", "load_dataset"),
    "core.detection": ("Cascade", "Tracker", "detect", "find", "iter_detections"),
    "core.errors": ("GrowtrackError", "GrowtrackWarning"),
    "core.growth.plan": ("Plan",),
    "core.growth.schedule": ("Phase", "Schedule", "Until"),
    "core.growth.training": ("Growth", "grow", "iter_growth"),
    "core.simulation.bound": ("cramer_rao",),
    "core.linking": (
        "Linking",
        "delete",
        "drop_doubtful",
        "drop_short",
        "iter_link",
        "join",
        "link",
        "split",
        "suggest_radius",
    ),
    "core.networks.build": ("iter_import", "iter_make", "make_network"),
    "core.motion": (
        "Estimate",
        "Units",
        "anomalous_exponent",
        "assign_states",
        "confinement",
        "diffusion",
        "diffusion_of_each",
        "diffusive_states",
        "drift",
        "drift_velocity",
        "emsd",
        "fit_msd",
        "hydrodynamic_radius",
        "imsd",
        "remove_drift",
        "step_lengths",
        "trap_stiffness",
        "velocity_autocorrelation",
        "viscosity",
    ),
    "core.networks.choice": ("choose_network",),
    "core.networks.load": ("Network", "load_network"),
    "core.scoring": ("score", "thesis_score"),
    "core.scoring.trajectories": ("compare_tracks", "score_tracks"),
    "core.simulation": ("Motion", "Scene", "draw", "named_scene", "simulate_film", "simulate_frame"),
    "core.films": ("open_stack",),
    "core.motion.tracks": ("TrackLimits", "keep_tracks", "measure_tracks"),
    "core.tables": ("read_table", "write_table"),
    "jobs": ("TrackToTable", "track"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module(".core.packages.version", __name__).package_version()
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
