from __future__ import annotations

import pytest

from app.db.template_index import build_memory_mb


@pytest.mark.parametrize(
    ("templates", "dimension", "megabytes"),
    [(0, 256, 256), (46_512, 768, 256), (500_000, 256, 1006), (1_000_000, 256, 2012), (2_000_000, 768, 2048)],
)
def test_an_index_is_built_in_the_memory_that_its_graph_takes_within_limits(
    templates: int, dimension: int, megabytes: int
) -> None:
    assert build_memory_mb(templates, dimension) == megabytes
