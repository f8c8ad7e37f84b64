"""A long run over a file without the collector of rings: what is judged is made of values that never refer back."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_sweeping() -> Iterator[None]:
    """Nothing that is judged refers to itself: to look for rings among all that is remembered only costs time."""
    swept = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if swept:
            gc.enable()
