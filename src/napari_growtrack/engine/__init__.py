"""Work beside a window: a process of its own runs the core's generators, so that what draws and listens never waits.

Loading TensorFlow holds Python's lock for a second, and a network answering frame after frame takes turns with whatever
else this process does. A thread cannot help that; a process can. It is started when it is first needed, is sent one job
at a time, asks for the frames it wants, and sends back what its generator yields.
"""

from .process import HEARTBEAT, Engine, Here, Runs

__all__ = ["HEARTBEAT", "Engine", "Here", "Runs"]
