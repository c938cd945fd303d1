"""Puts cards that share one picture into one group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import asyncpg

from app.db.picture_comparisons import keep_comparison
from app.db.queries import Queries
from app.domain.gallery_types import PictureComparison
from app.domain.types import EncoderInfo

#: One refresh at a time: the bytes of "artwork".
_ADVISORY_LOCK = int.from_bytes(b"artwork")


def groups_by_leader(card_ids: Sequence[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Gives every card the leader of its group, without chaining: each member is like its leader itself.

    Args:
        card_ids: All cards, in the order that decides: the first of a group leads it.
        pairs: Cards alike, the earlier first.

    Returns:
        Leader by card id; a leader is its own.
    """
    alike = defaultdict(list)
    for first, second in pairs:
        alike[first].append(second)
    leaders: dict[str, str] = {}
    for card_id in card_ids:
        if card_id in leaders:
            continue
        leaders[card_id] = card_id
        for member in alike[card_id]:
            leaders.setdefault(member, card_id)
    return leaders


async def refresh_artwork_groups(
    connection: asyncpg.Connection,
    queries: Queries,
    gallery_id: int,
    encoder: EncoderInfo,
    comparison: PictureComparison,
) -> int:
    """Regroups all cards with official templates in this gallery; returns how many groups there are.

    Groups follow from all pairs that are kept, those of this comparison with them, so the order in which
    cards came has no say.

    Deterministic, and running it again changes nothing: a leader keeps the group it is in. Must run inside a
    transaction.
    """
    await connection.execute(queries["lock_transaction"], _ADVISORY_LOCK)
    kept = await keep_comparison(connection, queries, gallery_id, encoder, comparison)
    rows = await connection.fetch(queries.with_numbers("grouped_cards", gallery_id=gallery_id))
    current = {row["card_id"]: row["artwork_group_id"] for row in rows}
    pairs = [pair for pair in kept if current.keys() >= set(pair)]
    await _move(connection, queries, current, groups_by_leader(list(current), pairs))
    await connection.execute(queries["delete_empty_artwork_groups"])
    # Now that all pictures of an import are there, and not after each batch of them.
    await connection.execute(queries["study_again"], gallery_id)
    return int(await connection.fetchval(queries["count_artwork_groups"]))


async def _move(
    connection: asyncpg.Connection, queries: Queries, current: Mapping[str, int], leaders: Mapping[str, str]
) -> None:
    group_of_leader: dict[str, int] = {}
    homeless = []
    taken: set[int] = set()
    for leader in dict.fromkeys(leaders.values()):
        if current[leader] in taken:
            homeless.append(leader)
        else:
            group_of_leader[leader] = current[leader]
            taken.add(current[leader])
    fresh = await connection.fetch(queries["add_artwork_groups"], len(homeless))
    group_of_leader |= {leader: row["id"] for leader, row in zip(homeless, fresh, strict=True)}
    moved = {
        card_id: group_of_leader[leader]
        for card_id, leader in leaders.items()
        if group_of_leader[leader] != current[card_id]
    }
    await connection.execute(queries["move_cards_to_groups"], list(moved), list(moved.values()))
