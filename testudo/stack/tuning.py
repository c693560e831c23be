"""How a process of ours runs that lives long and answers others."""

import gc

# A request makes thousands of objects and hardly ever a ring of them: look for rings more seldom.
_THRESHOLDS = (20_000, 20, 50)


def settle() -> None:
    """Call it once all is imported: no collection looks at that again, in forks neither."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
