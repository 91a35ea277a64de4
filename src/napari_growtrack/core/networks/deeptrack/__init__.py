"""Read the networks of DeepTrack 1.0: Keras 2 files in HDF5, taken as a growth table of one stage and plain arrays.

Only two things of such a file are looked at: the JSON text that describes its layers, and their weights. Nothing in it
can make run, links out of it are refused, and sizes are checked before an array is read.
"""

from .network import Weights, read_deeptrack, unit_of

__all__ = ["Weights", "read_deeptrack", "unit_of"]
