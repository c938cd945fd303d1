"""Crops laid on references, and printings told apart where they differ."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from app.domain.types import RgbImage
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard, invent_catalogue
from app.synthesis.views import photographed_view
from app.vision.alignment import align, warp_onto
from app.vision.local_features import FEATURES_SIZE_PX, gray_picture, match_patches
from app.vision.printings import COMPARED_SIZE_PX, compare_printings, compared_reference, difference_map

SEED = 7302


@pytest.fixture(scope="module")
def printings() -> list[list[InventedCard]]:
    """Pictures with two printings each: a reprint in another set, or another language."""
    cards = invent_catalogue(SEED, 60, reprint_share=0.4, foil_share=0, language_share=0.2)
    groups: dict[str, list[InventedCard]] = {}
    for card in cards:
        groups.setdefault(card.artwork_id, []).append(card)
    return [group for group in groups.values() if len(group) == 2][:12]


def laid_on(crop: RgbImage, reference: RgbImage) -> RgbImage:
    coarse = match_patches(gray_picture(crop, FEATURES_SIZE_PX), gray_picture(reference, FEATURES_SIZE_PX))
    assert coarse.affine is not None
    alignment = align(crop, reference, coarse.affine, FEATURES_SIZE_PX)
    assert alignment is not None
    return np.asarray(warp_onto(crop, alignment.to_crop, COMPARED_SIZE_PX), np.uint8)


def test_a_crop_is_laid_on_its_reference_to_a_fraction_of_a_pixel(printings) -> None:
    card = draw_card(printings[0][0], 528)
    size = (card.shape[1], card.shape[0])
    quad = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    off = quad + np.array([[6, -5], [-7, 4], [5, 6], [-4, -6]], np.float32)
    crop = cv2.warpPerspective(
        card, cv2.getPerspectiveTransform(off, quad), size, borderMode=cv2.BORDER_REPLICATE
    )
    aligned = laid_on(np.asarray(crop, np.uint8), card)[12:-12, 12:-12]
    wanted = cv2.resize(card, COMPARED_SIZE_PX[::-1], interpolation=cv2.INTER_AREA)[12:-12, 12:-12]
    error = np.abs(aligned.astype(float) - wanted).mean()
    moved = np.abs(np.roll(wanted, 1, axis=1).astype(float) - wanted).mean()
    assert error < 0.6 * moved


def test_most_photos_are_nearest_to_the_printing_they_show(printings) -> None:
    right = total = 0
    for index, group in enumerate(printings):
        pictures = [draw_card(card, 528) for card in group]
        for own, picture in enumerate(pictures):
            photo = photographed_view(picture, np.random.default_rng((SEED, index, own)), strength=0.4)
            differences = compare_printings(
                laid_on(photo, pictures[0]), [compared_reference(one) for one in pictures]
            )
            total += 1
            right += differences is not None and int(differences.argmin()) == own
    assert total == 24
    assert right >= 22


def test_where_references_differ_is_where_they_are_drawn_differently(printings) -> None:
    card = draw_card(printings[0][0], 528)
    other = card.copy()
    other[400:440, 300:350] = 255 - other[400:440, 300:350]
    references = [compared_reference(card), compared_reference(other)]
    rows, columns = np.nonzero(difference_map(*references))
    height, width = COMPARED_SIZE_PX
    assert 370 < rows.min() / height * 528 < rows.max() / height * 528 < 460
    assert 270 < columns.min() / width * 378 < columns.max() / width * 378 < 380
    differences = compare_printings(other, references)
    assert differences is not None
    assert differences[0] > differences[1] == 0.0


def test_printings_without_a_difference_cannot_be_told_apart(printings) -> None:
    card = draw_card(replace(printings[0][0]), 528)
    assert compare_printings(card, [compared_reference(card), compared_reference(card)]) is None


def test_a_small_difference_is_not_lost_beside_a_large_one(printings) -> None:
    card = draw_card(printings[0][0], 528)
    symbol, foil = card.copy(), card.copy()
    symbol[400:420, 300:320] = 255 - symbol[400:420, 300:320]
    foil[60:460:2] = 255 - foil[60:460:2]
    alone = compare_printings(symbol, [compared_reference(card), compared_reference(symbol)])
    beside = compare_printings(symbol, [compared_reference(one) for one in (card, symbol, foil)])
    assert alone is not None
    assert beside is not None
    assert beside[:2] == pytest.approx(alone)
    assert beside[1] == 0.0 < beside[0]
    assert beside[2] > 0.0


def test_a_weak_difference_all_over_says_less_than_a_strong_one_at_one_place(printings) -> None:
    """Foil turns with the light, so what it shows is weak evidence; a set symbol is not."""
    card = draw_card(printings[0][0], 528)
    symbol, foil = card.copy(), card.copy()
    symbol[260:300, 300:340] = 255 - symbol[260:300, 300:340]
    waves = 10.0 * np.sin(np.arange(card.shape[1]) / 9.0)[None, :, None] * np.array([1.0, -1.0, 0.5])
    foil = np.clip(card + waves, 0, 255).astype(np.uint8)
    planes = [compared_reference(one) for one in (card, symbol, foil)]
    of_symbol, of_foil = (difference_map(planes[0], planes[place]) for place in (1, 2))
    assert (of_foil > 0).sum() > 2 * (of_symbol > 0).sum()
    assert of_foil[of_foil > 0].mean() < 0.5 * of_symbol[of_symbol > 0].mean()
    differences = compare_printings(card, planes)
    assert differences is not None
    assert differences[1] > differences[2] > differences[0] == 0.0


def test_a_covered_difference_says_nothing(printings) -> None:
    card = draw_card(printings[0][0], 528)
    other = card.copy()
    other[400:440, 300:350] = 255 - other[400:440, 300:350]
    covered = card.copy()
    covered[380:460, 280:370] = np.random.default_rng(1).integers(0, 255, (80, 90, 3))
    references = [compared_reference(card), compared_reference(other)]
    seen, hidden = compare_printings(card, references), compare_printings(covered, references)
    assert seen is not None
    assert hidden is not None
    assert hidden.max() < 0.1 * seen.max()


def test_a_crop_of_another_card_is_not_laid_on_the_reference(printings) -> None:
    crop, reference = draw_card(printings[0][0], 528), draw_card(printings[5][0], 528)
    nowhere = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    alignment = align(np.full_like(crop, 90), reference, nowhere, FEATURES_SIZE_PX)
    assert alignment is None
