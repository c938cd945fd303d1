"""Fetches Pokémon cards by a copy of the PokemonTCG data project; their pictures lie elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from app.services.gallery_fetch.checks import Checks
from app.services.gallery_fetch.folder import FetchFolder, sha256_of
from app.services.gallery_fetch.pictures import Pictures, picture_suffix
from app.services.gallery_fetch.pokemontcg_data import DataCard, DataFolder
from app.services.gallery_fetch.run import CameOut, FetchReport, FetchRun, Job, choose_sets


class PokemonTcgFetcher:
    """Fetches sets of one language into a folder.

    Args:
        data: The copy of the data.
        pictures: Where the pictures come from.
        folder: Where the cards go.
        checks: Which pictures that are there are asked about; else those it is time for.
    """

    def __init__(
        self, data: DataFolder, pictures: Pictures, folder: FetchFolder, checks: Checks | None = None
    ) -> None:
        self._data = data
        self._pictures = pictures
        self._folder = folder
        self._checks = checks or Checks(folder)

    async def run(
        self, set_ids: Sequence[str] = (), progress: Callable[[int, int], None] | None = None
    ) -> FetchReport:
        """Fetches every picture that is missing or changed and writes the manifest of all that are there.

        Args:
            set_ids: Sets to fetch; none means all of them.
            progress: Told after each card how many of how many are done; both grow from set to set.

        Raises:
            NotFound: the data have no such set.
            ConfigurationError: the data's list of sets cannot be read, or the folder not be written.
            Unavailable: the server cannot be reached, or fails again and again.
            SourceResting: it asks to be left alone for long; the run ends at once.
        """
        run = FetchRun(self._folder, progress)
        seen: set[str] = set()
        try:
            sets = self._data.sets(run.report.unusable)
            for set_id in choose_sets(set_ids, list(sets), "the copy of the PokemonTCG data"):
                cards = await asyncio.to_thread(self._data.cards, sets[set_id], run.report.unusable)
                await run.fetch_set(set_id, self._jobs(cards, seen, run.report))
        finally:
            self._folder.write_manifest()
        if not run.report.not_renewed:
            self._checks.finish()
        return run.report

    def _jobs(self, cards: Sequence[DataCard], seen: set[str], report: FetchReport) -> list[Job]:
        jobs: list[Job] = []
        for one in cards:
            card_id = one.card.card_id
            if card_id in seen:
                report.unusable.append((f"set {one.card.set_id}", f"a second card has the id {card_id}"))
                continue
            seen.add(card_id)
            jobs.append((card_id, partial(self._fetch_card, one)))
        return jobs

    async def _fetch_card(self, one: DataCard) -> CameOut:
        known = await asyncio.to_thread(self._folder.intact, one.card.card_id)
        found = await self._pictures.find(one, known, known is not None and self._checks.due(known))
        picture = found.picture
        if known is None and picture is None:
            return CameOut.WITHOUT_PICTURE
        if known is not None and (picture is None or sha256_of(picture.data) == known.sha256):
            self._folder.keep(known, one.card, picture, asked=found.asked)
            return CameOut.STILL_THE_SAME if found.asked else CameOut.THERE_BEFORE
        assert picture is not None
        self._folder.put(one.card, one.card.language or "", picture, picture_suffix(picture.data))
        return CameOut.FETCHED if known is None or not found.asked else CameOut.REPLACED
