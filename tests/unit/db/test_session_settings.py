from __future__ import annotations

import pytest

from app.db.pool import session_settings
from app.settings import Settings


@pytest.mark.parametrize(("top_k", "ef_search"), [(1, "12"), (50, "600"), (80, "960"), (1000, "1000")])
def test_the_index_is_searched_deeper_than_the_rows_asked_for(top_k: int, ef_search: str) -> None:
    settings = Settings(_env_file=None, retrieval_topk=top_k, retrieval_topk_retry=1)
    assert session_settings(settings)["hnsw.ef_search"] == ef_search


def test_statements_and_locks_are_limited_by_the_setting() -> None:
    limits = session_settings(Settings(_env_file=None, statement_timeout_ms=250))
    assert (limits["statement_timeout"], limits["lock_timeout"]) == ("250", "250")
