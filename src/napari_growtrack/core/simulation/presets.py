"""Named scenes: those of the thesis and its author's code, those that benchmarks judge on, and two of fluorescence."""

from __future__ import annotations

from pathlib import Path

from ..settings import named
from .cameras import CAMERAS
from .scene import Placement, Scene
from .shapes import BesselParticle, GaussianParticle

_SPOT = BesselParticle(radius=(2, 3), rings={1: (0.4, 0.7)})
_RINGED_BEAD = BesselParticle(radius=(4, 6), rings={1: (0.3, 0.7), 2: (-0.4, -0.2)})
_BRIGHT_AND_DARK = tuple(
    BesselParticle(radius=(1.5, 3), rings={order: scale}) for order in (1, 2) for scale in ((0.2, 0.6), (-0.6, -0.2))
)
_ANYTHING = (
    *(
        BesselParticle(radius=radius, rings=rings, weight=weight)
        for radius, weight in (((1.5, 3), 2), ((3, 6), 1))
        for rings in ({1: (0.2, 0.7)}, {1: (-0.7, -0.2)}, {2: (0.2, 0.6)}, {2: (-0.6, -0.2)})
    ),
    BesselParticle(radius=(1.5, 6), rings={1: (0.3, 0.7), 2: (-0.4, -0.2)}),
    BesselParticle(radius=(1.5, 6), rings={1: (-0.7, -0.3), 2: (0.2, 0.4)}),
)

_TABLE42 = Scene(
    name="table42",
    about="The thesis's multi-particle frames: six bright spots in 251 x 251 px at SNR 3.",
    particles=[_SPOT],
    density=6 / 2.51**2,
    apart=20,
    rim=0.1,
    background=0.2,
    snr=3,
)

SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene(
            name="default",
            about="One small particle near the centre, bright or dark, spot or ring.",
            particles=_BRIGHT_AND_DARK,
            apart=25,
            background=(0.2, 0.8),
            gradient=(0, 1),
            snr=(10, 100),
        ),
        Scene(
            name="vesicles",
            about="Several bright spots on a dim background, few photons.",
            particles=[_SPOT],
            density=(0.3, 4),
            apart=10,
            background=(0.2, 0.4),
            gradient=(0, 0.2),
            snr=(2, 8),
            window_number=4,
            window_first=Placement(shape="box", size=10),
            window_others=Placement(shape="box", size=25),
        ),
        Scene(
            name="trapped",
            about="One dark, slightly elongated bead in an optical trap.",
            particles=[BesselParticle(radius=(2, 5), rings={1: (-0.4, -0.05)}, ellipticity=(0.5, 1.5))],
            apart=40,
            background=(0.15, 0.8),
            gradient=(0, 0.2),
            snr=(20, 100),
            window_first=Placement(shape="normal", size=5),
        ),
        Scene(
            name="film",
            about="One bright particle with a darker ring, as in a bright-field film.",
            particles=[BesselParticle(radius=(2, 3), rings={1: (0.7, 0.9), 2: (-0.3, -0.2)})],
            apart=25,
            background=(0.2, 0.5),
            gradient=(0, 0.8),
            snr=(5, 100),
            window_first=Placement(shape="normal", size=2),
        ),
        Scene(
            name="beads",
            about="Large beads with a bright core and a dark ring, as Brownian beads in bright field.",
            particles=[_RINGED_BEAD],
            density=(0.5, 2.5),
            apart=30,
            background=(0.2, 0.5),
            gradient=(0, 0.8),
            snr=(5, 100),
            window_number=2,
            window_first=Placement(shape="normal", size=10),
            window_others=Placement(shape="away", size=(15, 35)),
        ),
        _TABLE42,
        _TABLE42.with_(
            name="dense",
            about="A crowd: sixty bright spots in 251 x 251 px, down to 9 px from each other.",
            density=60 / 2.51**2,
            apart=9,
            rim=0.05,
            snr=5,
        ),
        _TABLE42.with_(
            name="gradient",
            about="Weak bright spots on a background that rises steeply across the frame.",
            particles=[_SPOT.with_(rings={1: (0.2, 0.5)})],
            density=8 / 2.51**2,
            background=(0.35, 0.45),
            gradient=(0.6, 0.8),
            snr=6,
        ),
        Scene(
            name="mixed",
            about="Bright and dark particles, spots and rings, side by side in uneven light.",
            particles=_BRIGHT_AND_DARK,
            density=8 / 2.51**2,
            apart=25,
            rim=0.1,
            background=(0.3, 0.7),
            gradient=(0, 0.6),
            snr=10,
        ),
        Scene(
            name="rings",
            about="Large beads with a bright core and a dark ring, six in 251 x 251 px.",
            particles=[_RINGED_BEAD],
            density=6 / 2.51**2,
            apart=30,
            rim=0.1,
            background=(0.2, 0.5),
            gradient=(0, 0.3),
            snr=10,
        ),
        _TABLE42.with_(
            name="wide",
            about="Twenty bright spots in a camera's wide strip of 300 x 700 px.",
            density=20 / (3 * 7),
            snr=5,
        ),
        _TABLE42.with_(
            name="big",
            about="A hundred bright spots in 1024 x 1024 px.",
            density=100 / 10.24**2,
            snr=5,
        ),
        Scene(
            name="species",
            about="Bright spots to find among rods and donuts that are to be left alone.",
            particles=[_SPOT],
            density=6 / 2.51**2,
            apart=22,
            distractors=[
                BesselParticle(radius=(2, 3), rings={1: (0.4, 0.7)}, ellipticity=2.5),
                BesselParticle(radius=(2, 3), rings={2: (0.4, 0.7)}),
            ],
            distractor_density=6 / 2.51**2,
            background=(0.2, 0.3),
            gradient=(0, 0.2),
            snr=6,
        ),
        Scene(
            name="general",
            about="Bright and dark spots and rings of many sizes, uneven light, few or many photons.",
            particles=_ANYTHING,
            density=(0.2, 3),
            apart=15,
            background=(0.15, 0.8),
            gradient=(0, 1),
            snr=(2, 50),
            snr_drawn="by ratio",
        ),
        Scene(
            name="tirf",
            about="Bright and dim spots as narrow as optics allow, on cells, by an EMCCD.",
            particles=[
                GaussianParticle(sigma=(0.8, 2.5), intensity=(0.3, 0.8)),
                GaussianParticle(sigma=(0.8, 2.5), intensity=(0.08, 0.3)),
            ],
            density=(0.3, 4),
            apart=6,
            background=(0.05, 0.3),
            gradient=(0, 0.1),
            snr=(5, 30),
            snr_drawn="by ratio",
            camera=CAMERAS["emccd"],
            vignetting=(0, 0.4),
            texture=(0, 0.4),
            texture_size=(6, 24),
            motion_blur=(0, 0.5),
        ),
        Scene(
            name="scmos",
            about="Spots as narrow as optics allow among out-of-focus ones, by an sCMOS whose pixels differ.",
            particles=[GaussianParticle(sigma=(0.8, 2.5), intensity=(0.1, 0.7))],
            density=(0.3, 4),
            apart=6,
            distractors=[BesselParticle(radius=(8, 16), rings={1: (0.05, 0.2)})],
            distractor_density=(0, 1),
            background=(0.05, 0.3),
            gradient=(0, 0.2),
            snr=(5, 50),
            snr_drawn="by ratio",
            camera=CAMERAS["scmos"].with_(columns=(0, 2)),
            vignetting=(0, 0.5),
            texture=(0, 0.2),
        ),
        Scene(
            name="empty",
            about="Nothing but noise.",
            particles=[_SPOT],
            density=0,
            background=(0.2, 0.4),
            snr=3,
        ),
    )
}


def named_scene(name: str | Path) -> Scene:
    """Return a named scene, or read one from a JSON file.

    Raises
    ------
    SettingsError
        When there is neither a scene nor a file of that name.
    """
    return named(name, SCENES, "scene", Scene)
