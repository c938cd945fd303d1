"""Python's collector of cycles: what is loaded at the start is no part of its rounds.

A round over everything stops all threads for some 100 ms and comes once a quarter more objects are there
than after the last one: hundreds of thousands of modules, classes and routes make it slow and rare, and
cycles that scans leave pile up for thousands of scans. Sources: ``long_lived_total`` in CPython 3.11's
``Modules/gcmodule.c``, and the documentation of ``gc.freeze``.
"""

from __future__ import annotations

import gc


def spare_what_is_loaded() -> None:
    """Call it when start-up is done; again after another start-up, whose predecessor's cycles it frees.

    What is reachable now is never looked at again, though it is freed as ever when nothing refers to it. The
    second round finds nothing, and makes that nothing the number that a quarter is taken of.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.collect()
