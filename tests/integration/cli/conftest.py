"""The command line on a real database, with small encoders of random weights that load in no time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from app.inference.export import write_encoder
from app.inference.manifest import ModelConfig
from app.synthesis.catalogue import invent_catalogue
from app.synthesis.folder import write_gallery
from app.synthesis.scenes import Scene, SceneKind
from app.vision.decode import encode_jpeg
from tests.command_line import CommandLine, command
from tests.encoders import TINY, describe_tiny, seeded_state
from tests.service import photograph

__all__ = ["command"]

CATALOGUE_SEED = 99
ARTWORKS = 6
CARD_HEIGHT_PX = 300


@dataclass(frozen=True)
class CardFolder:
    """A folder that ``gallery import`` reads, and the cards in it."""

    manifest: Path
    images: Path
    card_ids: tuple[str, ...]
    page: Scene

    @property
    def import_args(self) -> tuple[object, ...]:
        return ("gallery", "import", self.manifest, "--images", self.images)


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the encoders ``tiny`` and ``other``."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("tiny", "other")):
        config = ModelConfig.model_validate(TINY)
        write_encoder(folder / name, describe_tiny(name), config, seeded_state(seed=seed), "fp32")
    return folder


@pytest.fixture(scope="session")
def cards(tmp_path_factory: pytest.TempPathFactory) -> CardFolder:
    """A handful of invented cards, and a page with the first four."""
    folder = tmp_path_factory.mktemp("cards")
    invented = invent_catalogue(CATALOGUE_SEED, ARTWORKS)
    manifest = write_gallery(invented, folder, CARD_HEIGHT_PX)
    page = photograph(invented[:4], SceneKind.PAGE_2X2)
    return CardFolder(manifest, folder, tuple(one.card.card_id for one in invented), page)


@pytest.fixture
def binderlens(command: CommandLine, database_url: str, models_dir: Path) -> CommandLine:
    """``binderlens`` on an empty database, with the encoder ``tiny``."""
    command.setenv(DATABASE_URL=database_url, MODELS_DIR=models_dir, ENCODER="tiny", ENCODER_THREADS=1)
    command.setenv(VERIFICATION_BUDGET_MS=60_000)  # a busy machine must not change what is found
    return command


@pytest.fixture
def filled(binderlens: CommandLine, cards: CardFolder) -> CommandLine:
    """``binderlens`` on a gallery of the cards."""
    assert binderlens(*cards.import_args).status == 0
    return binderlens


def rows(dsn: str, sql: str, *args: object) -> list[tuple]:
    """What a statement gives."""

    async def fetch() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetch(sql, *args)
        finally:
            await connection.close()

    return [tuple(row) for row in asyncio.run(fetch())]


@pytest.fixture
def page_file(cards: CardFolder, tmp_path: Path) -> Path:
    path = tmp_path / "page.jpg"
    path.write_bytes(encode_jpeg(cards.page.image, 90))
    return path
