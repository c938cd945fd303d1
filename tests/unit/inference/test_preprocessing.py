import numpy as np
import pytest

from app.inference.encoder import BATCH_SIZES, next_batch_size
from app.inference.manifest import Preprocessing, golden_picture
from app.inference.preprocessing import preprocess


def test_the_whole_card_is_seen() -> None:
    """Each edge of the card, marked by its own colour, must reach the same edge of the input."""
    crop = np.zeros((528, 378, 3), dtype=np.uint8)
    crop[:44, :, 0] = 255
    crop[-44:, :, 1] = 255
    pixels = preprocess([crop], Preprocessing(height_px=224, width_px=224))[0]
    assert pixels.shape == (224, 224, 3)
    np.testing.assert_allclose(pixels[0, :, 0], 1.0, atol=0.01)
    np.testing.assert_allclose(pixels[-1, :, 1], 1.0, atol=0.01)
    assert pixels[112, 112].sum() == 0


def test_colours_are_normalised_channel_by_channel() -> None:
    spec = Preprocessing(height_px=8, width_px=8, mean=(0.5, 0.0, 1.0), std=(0.5, 2.0, 0.25))
    crop = np.full((20, 20, 3), (255, 51, 0), dtype=np.uint8)
    np.testing.assert_allclose(preprocess([crop], spec)[0, 4, 4], [1.0, 0.1, -4.0], atol=1e-6)


@pytest.mark.parametrize("interpolation", ["area", "linear", "cubic"])
@pytest.mark.parametrize("size", [(528, 378), (20, 30), (528, 20), (1, 1)])
def test_every_size_of_crop_fits(interpolation: str, size: tuple[int, int]) -> None:
    spec = Preprocessing.model_validate({"height_px": 64, "width_px": 48, "interpolation": interpolation})
    crop = np.full((*size, 3), 100, dtype=np.uint8)
    np.testing.assert_allclose(preprocess([crop], spec), 100 / 255, atol=1e-6)


def test_fine_texture_is_averaged_not_sampled() -> None:
    crop = np.zeros((512, 512, 3), dtype=np.uint8)
    crop[::2] = 255
    pixels = preprocess([crop], Preprocessing(height_px=64, width_px=64))
    np.testing.assert_allclose(pixels, 0.5, atol=0.01)


def test_the_golden_picture_is_the_same_everywhere() -> None:
    picture = golden_picture("binderlens golden 1")
    assert picture.shape == (528, 378, 3)
    assert picture[0, 0].tolist() == [78, 5, 97]
    assert int(picture.sum(dtype=np.int64)) == 78_567_720


@pytest.mark.parametrize(
    ("cards", "largest", "sizes"),
    [
        (9, 3, [3, 3, 3]),
        (8, 9, [3, 3, 2]),
        (4, 3, [3, 1]),
        (1, 3, [1]),
        (5, 2, [2, 2, 1]),
        (3, 1, [1, 1, 1]),
        (2, 0, [1, 1]),
    ],
)
def test_batches_have_few_sizes(cards: int, largest: int, sizes: list[int]) -> None:
    taken = []
    while cards:
        taken.append(next_batch_size(cards, largest))
        cards -= taken[-1]
    assert taken == sizes
    assert set(taken) <= set(BATCH_SIZES)
