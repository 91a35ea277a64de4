"""Listen to the GUI thread's heart, with a metronome in another process that tells how late this machine itself is."""

import gc
import subprocess
import sys
import time

from qtpy.QtCore import QTimer

_TICK = 0.005

_METRONOME = f"""
import sys, threading, time
late, stop = [0.0], threading.Event()
def listen():
    for line in sys.stdin:
        print(max(late), flush=True)
        late[:] = [0.0]
    stop.set()
threading.Thread(target=listen, daemon=True).start()
last = time.perf_counter()
while not stop.is_set():
    time.sleep({_TICK})
    now = time.perf_counter()
    late.append(now - last)
    last = now
    if len(late) > 100_000:
        late[:] = [max(late)]
"""


class Heart:
    """Beats every five milliseconds in the GUI thread, if that is free.

    Use it in a ``with`` statement; `rest` between two things to be measured.
    What lives already, such as the windows of earlier tests, is left out when
    Python looks for garbage: a fresh napari does not have to walk through it.
    """

    def __init__(self):
        self._gaps, self._last = [0.0], time.perf_counter()
        self._timer = QTimer()
        self._timer.timeout.connect(self._beat)

    def __enter__(self):
        gc.collect()
        gc.freeze()
        self._metronome = subprocess.Popen(
            [sys.executable, "-c", _METRONOME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._timer.start(int(1000 * _TICK))
        self.rest()
        return self

    def __exit__(self, *_):
        gc.unfreeze()
        self._timer.stop()
        self._metronome.stdin.close()
        self._metronome.wait()
        self._metronome.stdout.close()

    def _beat(self):
        now = time.perf_counter()
        self._gaps.append(now - self._last)
        self._last = now

    def rest(self) -> tuple[float, float]:
        """Return the longest gap since the last rest, and that of the metronome; begin anew."""
        self._beat()
        self._metronome.stdin.write("\n")
        self._metronome.stdin.flush()
        longest, machine = max(self._gaps), float(self._metronome.stdout.readline())
        self._gaps, self._last = [0.0], time.perf_counter()
        return longest, machine
