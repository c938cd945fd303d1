"""What an import does about a card when some of its reference images cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.services.gallery_import import GalleryImporter, ImportReport
from app.services.manifest import read_manifest
from app.settings import Settings
from tests.fakes.engine import TinyEncoder
from tests.fakes.gallery import InMemoryGallery
from tests.fakes.references import InMemoryReferences
from tests.fakes.service import card_picture, png

HEADER = "card_id,name,image\n"


@pytest.fixture
def gallery() -> InMemoryGallery:
    return InMemoryGallery()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three good pictures and one that is none."""
    for number, name in enumerate(("a", "b", "c")):
        (tmp_path / f"{name}.png").write_bytes(png(card_picture(number)))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    return tmp_path


async def run_import(gallery: InMemoryGallery, folder: Path, *rows: str) -> ImportReport:
    """Imports these rows of a manifest; the first one is line 2."""
    manifest = folder / "cards.csv"
    manifest.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    importer = GalleryImporter(Settings(_env_file=None), TinyEncoder(), gallery, InMemoryReferences(gallery))
    return await importer.run(read_manifest(manifest, folder))


async def test_a_picture_that_cannot_be_decoded_is_reported_by_its_own_line(
    gallery: InMemoryGallery, folder: Path
) -> None:
    report = await run_import(gallery, folder, "x,X,a.png", "x,X,bad.png", "y,Y,b.png")
    assert [(bad.line, bad.why.partition(":")[0]) for bad in report.bad_rows] == [(3, "image bad.png")]
    assert {card_id: len(images) for card_id, images in gallery.images.items()} == {"x": 1, "y": 1}


@pytest.mark.parametrize("bad_row", ["x,X,bad.png", "x,X,gone.png", "x,Another name,b.png", "x,X,b.png,more"])
async def test_a_bad_row_of_a_card_costs_it_none_of_its_references(
    gallery: InMemoryGallery, folder: Path, bad_row: str
) -> None:
    await run_import(gallery, folder, "x,X,a.png", "x,X,b.png")
    before = dict(gallery.images["x"]), list(gallery.templates)
    report = await run_import(gallery, folder, "x,X,a.png", bad_row)
    assert (len(report.bad_rows), report.unchanged) == (1, 1)
    assert (gallery.images["x"], gallery.templates) == before


async def test_a_new_picture_beside_a_bad_one_is_added(gallery: InMemoryGallery, folder: Path) -> None:
    await run_import(gallery, folder, "x,X,a.png", "x,X,b.png")
    await run_import(gallery, folder, "x,X,bad.png", "x,X,c.png")
    assert len(gallery.images["x"]) == 3


async def test_a_picture_that_a_good_manifest_no_longer_names_is_dropped(
    gallery: InMemoryGallery, folder: Path
) -> None:
    await run_import(gallery, folder, "x,X,a.png", "x,X,b.png", "y,Y,c.png")
    report = await run_import(gallery, folder, "x,X,a.png", "y,Y,c.png", "z,Z,bad.png")
    assert [len(gallery.images[card_id]) for card_id in ("x", "y")] == [1, 1]
    assert (report.added_or_changed, report.unchanged) == (1, 1)
    assert "z" not in gallery.cards


async def test_an_import_says_how_many_pairs_of_pictures_it_compares_and_the_next_compares_new_ones(
    gallery: InMemoryGallery, folder: Path
) -> None:
    importer = GalleryImporter(Settings(_env_file=None), TinyEncoder(), gallery, InMemoryReferences(gallery))
    manifest = folder / "cards.csv"
    told: list[tuple[int, int]] = []
    asked = []
    for rows in ("x,X,a.png\ny,Y,a.png\n", "x,X,a.png\ny,Y,a.png\n", "z,Z,a.png\n"):
        manifest.write_text(HEADER + rows)
        told.clear()
        content = read_manifest(manifest, folder)
        await importer.run(content, comparing=lambda done, total: told.append((done, total)))
        asked.append(list(told))
    assert asked == [[(1, 1)], [], [(2, 2)]]
