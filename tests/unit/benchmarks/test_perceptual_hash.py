"""The baselines: hashes, their distances, and the groups they make."""

import cv2
import numpy as np
import pytest

from benchmarks.perceptual_hash import dhash, hamming_distances, near_duplicate_groups, phash


@pytest.mark.parametrize("make", [phash, dhash])
@pytest.mark.parametrize("bits", [64, 256])
def test_a_hash_has_its_bits_and_forgives_size_brightness_and_jpeg(cards, make, bits):
    card = cards[0]
    changed = cv2.convertScaleAbs(
        cv2.resize(card, (400, 560), interpolation=cv2.INTER_CUBIC), alpha=0.8, beta=10
    )
    one, same, other = (make(picture, bits)[None] for picture in (card, changed, cards[1]))
    assert one.shape == (1, bits // 8) and one.dtype == np.uint8
    assert hamming_distances(one, same)[0, 0] < 0.08 * bits
    assert hamming_distances(one, other)[0, 0] > 0.2 * bits


def test_phash_reads_the_sign_of_single_frequencies():
    # Two and a half waves down the picture: one frequency stands out, its sign turns with the phase.
    wave = np.cos(np.pi * 5 * (np.arange(64) + 0.5) / 64)
    rising, falling = (
        np.repeat(
            np.clip(128 + sign * 100 * wave, 0, 255).astype(np.uint8)[:, None, None], 64, axis=1
        ).repeat(3, 2)
        for sign in (1, -1)
    )
    bit = 5 * 16  # row 5, column 0 of the 16 x 16 block
    assert np.unpackbits(phash(rising, 256))[bit] == 1
    assert np.unpackbits(phash(falling, 256))[bit] == 0


def test_dhash_says_where_brightness_rises():
    ramp = np.tile(np.linspace(0, 255, 90).astype(np.uint8)[None, :, None], (80, 1, 3))
    assert np.unpackbits(dhash(ramp, 64)).all()
    assert not np.unpackbits(dhash(ramp[:, ::-1].copy(), 64)).any()


def test_distances_count_bits():
    queries = np.array([[0b00000000, 0b11111111]], dtype=np.uint8)
    references = np.array([[0b00000001, 0b11111111], [0b11111111, 0b00000000], [0, 255]], dtype=np.uint8)
    assert hamming_distances(queries, references).tolist() == [[1, 16, 0]]


def test_hashes_of_different_length_cannot_be_compared():
    with pytest.raises(ValueError, match="8 and 32 bytes"):
        hamming_distances(np.zeros((1, 8), np.uint8), np.zeros((1, 32), np.uint8))


@pytest.mark.parametrize("bits", [0, -64, 63, 100, 128])
def test_other_numbers_of_bits_are_refused(cards, bits):
    with pytest.raises(ValueError, match="square number of bits"):
        phash(cards[0], bits)


def test_near_duplicates_join_through_others():
    hashes = np.array([[0b0000], [0b11110000], [0b0011], [0b1111]], dtype=np.uint8)
    # 0-2 and 2-3 differ in two bits, 0-3 in four.
    assert near_duplicate_groups(hashes, 2).tolist() == [0, 1, 0, 0]
    assert near_duplicate_groups(hashes, 1).tolist() == [0, 1, 2, 3]
