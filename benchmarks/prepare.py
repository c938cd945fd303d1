"""What the benchmarks keep in ``benchmarks/cache``, made once: ``python -m benchmarks.prepare``.

For ``search_speed`` 46,512 pictures of invented cards are embedded, and photos of some; a ViT-L-14 of random
weights is quantised for whatever serves it. Together some six minutes on two cores. An interruption loses the
file of cards that each process had in hand, or the whole quantising; what is there takes seconds to find.
"""

from __future__ import annotations

from benchmarks.embedded_cards import photo_vectors, template_vectors
from benchmarks.random_clip import obstacle_to_int8, quantised_models
from benchmarks.search_speed import PAGES, SEED


def main() -> None:
    """Makes what is missing."""
    print(f"cards: {len(template_vectors())} templates, {len(photo_vectors(PAGES, SEED))} photos", flush=True)
    if obstacle := obstacle_to_int8():
        print(f"ViT-L-14 in int8: left out, {obstacle}")
    else:
        print(f"ViT-L-14 in int8: {quantised_models()}")


if __name__ == "__main__":
    main()
