"""How a process of ours runs that lives long and answers others."""

import gc

# The youngest are looked through after so many: a request of DRF's leaves hundreds in rings, and
# to free those of seventy requests at once was a pause of 20 ms. The older, more seldom than usual.
_THRESHOLDS = (1_500, 20, 50)


def settle() -> None:
    """Call it once all is imported: no collection looks at that again, in forks neither."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
