import csv

import cv2
import pytest

from app.domain.errors import BinderlensError
from app.synthesis.catalogue import invent_catalogue
from app.synthesis.folder import write_gallery


def test_a_gallery_folder_can_be_read_as_the_contract_says(tmp_path):
    cards = invent_catalogue(2, 6, reprint_share=0.5, language_share=0.5)
    seen = []
    manifest = write_gallery(cards, tmp_path, 128, lambda done, total: seen.append((done, total)))
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["card_id"] for row in rows] == [card.card.card_id for card in cards]
    assert ",".join(rows[0]) == "card_id,name,set_id,set_name,number,rarity,language,game,image"
    for row, card in zip(rows, cards, strict=True):
        assert row["name"] == card.card.name
        assert row["number"] == card.card.number
        assert cv2.imread(str(tmp_path / row["image"])).shape[:2] == (128, 92)
    assert seen == [(i + 1, len(cards)) for i in range(len(cards))]


def test_writing_twice_gives_the_same_bytes(tmp_path):
    cards = invent_catalogue(2, 2)
    for name in ("one", "two"):
        write_gallery(cards, tmp_path / name, 96)
    files = sorted((tmp_path / "one" / "images").iterdir())
    assert files
    for file in files:
        assert file.read_bytes() == (tmp_path / "two" / "images" / file.name).read_bytes()


def test_a_picture_that_cannot_be_written_is_an_error(tmp_path):
    cards = invent_catalogue(2, 1)
    (tmp_path / "images" / f"{cards[0].card.card_id}.jpg").mkdir(parents=True)
    with pytest.raises(BinderlensError, match="cannot write"):
        write_gallery(cards, tmp_path, 96)
