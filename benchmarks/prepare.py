"""What the benchmarks keep in ``benchmarks/cache``, made once: ``python -m benchmarks.prepare``.

46,512 pictures of invented cards are embedded for ``search_speed`` and a ViT-L-14 of random weights is
quantised for whatever serves it: together some six minutes on two cores. An interruption loses the file that
was being written, and what is there already takes a few seconds to find.
"""

from __future__ import annotations

from benchmarks.embedded_cards import template_vectors
from benchmarks.random_clip import obstacle_to_int8, quantised_models


def main() -> None:
    """Makes what is missing."""
    print(f"cards embedded: {len(template_vectors())} templates", flush=True)
    obstacle = obstacle_to_int8()
    print(f"ViT-L-14 in int8: {obstacle or quantised_models()}", flush=True)


if __name__ == "__main__":
    main()
