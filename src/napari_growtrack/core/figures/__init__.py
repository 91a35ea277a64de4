"""Figures of a network that can be printed as they are: one or two columns wide, the same colour for a stage in all.

They draw the tables of `insight`. Up to six stages have colours and markers of their own (Okabe and Ito's, which
differ to every eye and in grey); more are shaded from dark to light, with a colour bar.
"""

from .activity import draw_activity
from .costs import draw_costs
from .errors import draw_error_by_stage, draw_errors
from .history import draw_accuracies, draw_history
from .maps import draw_maps
from .motion import draw_diffusion, draw_drift, draw_msd, draw_states, draw_step_lengths, draw_trajectories
from .plan import draw_plan
from .style import BOUND, MEASURES, ONE_COLUMN, TWO_COLUMNS, Colour

__all__ = [
    "BOUND",
    "MEASURES",
    "ONE_COLUMN",
    "TWO_COLUMNS",
    "Colour",
    "draw_accuracies",
    "draw_activity",
    "draw_costs",
    "draw_diffusion",
    "draw_drift",
    "draw_error_by_stage",
    "draw_errors",
    "draw_history",
    "draw_maps",
    "draw_msd",
    "draw_plan",
    "draw_states",
    "draw_step_lengths",
    "draw_trajectories",
]
