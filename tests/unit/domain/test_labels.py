import json

import numpy as np
import pytest

from app.domain.errors import LabelsError
from app.domain.labels import (
    LabelledCard,
    LabelledScan,
    format_labels,
    parse_labels,
    read_labels,
    write_labels,
)

QUAD = [[10, 20], [73, 22.5], [70, 110], [8, 108]]


def label_file(**card):
    return json.dumps({"image": "page.jpg", "cards": [card]})


def test_a_full_label_file_is_read():
    labels = parse_labels(label_file(card_id="sv5-131", name="Drowzee", quad=QUAD, in_gallery=True))
    (card,) = labels.cards
    assert labels.image == "page.jpg"
    assert (card.card_id, card.name, card.in_gallery) == ("sv5-131", "Drowzee", True)
    assert np.array_equal(card.quad_px, np.array(QUAD, float))


def test_what_a_label_does_not_say_is_none():
    assert parse_labels(label_file()).cards == (LabelledCard(None, None, None, None),)


def test_a_scan_without_cards_is_a_valid_label_file():
    assert parse_labels('{"image": "empty.jpg", "cards": []}') == LabelledScan("empty.jpg", ())


def test_what_is_written_reads_back_equal(tmp_path):
    quad = np.array(QUAD, float)
    labels = LabelledScan(
        "seite_ü.jpg", (LabelledCard("a-1", "Ätherling", quad, False), LabelledCard(name="Drowzee"))
    )
    path = tmp_path / "labels.json"
    write_labels(path, labels)
    first, second = read_labels(path).cards
    assert np.array_equal(first.quad_px, quad)
    assert (first.card_id, first.name, first.in_gallery) == ("a-1", "Ätherling", False)
    assert second == LabelledCard(name="Drowzee")


def test_corners_are_rounded_to_hundredths_of_a_pixel():
    quad = np.array(QUAD, float) + 1 / 3
    text = format_labels(LabelledScan("page.jpg", (LabelledCard(quad_px=quad),)))
    assert json.loads(text)["cards"][0] == {
        "quad": [[10.33, 20.33], [73.33, 22.83], [70.33, 110.33], [8.33, 108.33]]
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "must be an object"),
        ('{"cards": []}', '"image" must be'),
        ('{"image": "", "cards": []}', '"image" must be'),
        ('{"image": "a.jpg"}', '"cards" must be a list'),
        ('{"image": "a.jpg", "cards": [], "card": 1}', 'unknown field "card"'),
        (label_file(card="sv5-131"), r'cards\[0\] has an unknown field "card"'),
        (label_file(card_id=131), r"cards\[0\].card_id must be a text"),
        (label_file(in_gallery="yes"), r"cards\[0\].in_gallery must be true or false"),
        (label_file(quad=QUAD[:3]), r"cards\[0\].quad must have four corners"),
        (label_file(quad=[*QUAD[:3], [1]]), r"cards\[0\].quad\[3\] must be \[x, y\]"),
        (label_file(quad=[*QUAD[:3], [1, None]]), r"cards\[0\].quad\[3\] must be two finite numbers"),
        (label_file(quad=[*QUAD[:3], [1, float("nan")]]), r"cards\[0\].quad\[3\] must be two finite numbers"),
        (label_file(quad=[*QUAD[:3], [1, True]]), r"cards\[0\].quad\[3\] must be two finite numbers"),
        (label_file(quad=QUAD[::-1]), r"cards\[0\].quad must run clockwise"),
        (label_file(quad=[QUAD[0], QUAD[2], QUAD[1], QUAD[3]]), r"cards\[0\].quad must run clockwise"),
    ],
)
def test_a_label_file_that_says_something_impossible_is_refused_with_the_place(text, message):
    with pytest.raises(LabelsError, match=message):
        parse_labels(text)


def test_an_error_names_the_file(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text("{")
    with pytest.raises(LabelsError, match=r"broken\.json: not JSON"):
        read_labels(path)
    with pytest.raises(LabelsError, match=r"missing\.json"):
        read_labels(tmp_path / "missing.json")
