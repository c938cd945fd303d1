"""Photos of invented cards looked up in galleries of their catalogue: what confidences are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.domain.ranking import Ranking, rank
from app.domain.reranking import with_differences
from app.domain.space import Moments, fit_space
from app.domain.types import (
    RECTIFIED_HEIGHT_PX,
    RECTIFIED_WIDTH_PX,
    RgbImage,
    StoredImage,
    TemplateHit,
    Vectors,
)
from app.inference.encoder import LoadedEncoder
from app.services.comparing import (
    Compared,
    compare_pictures,
    differences_of,
    lay_printings,
    ranked_anew,
)
from app.services.gallery_import import STORED_JPEG_QUALITY, TEMPLATE_SOURCES, template_views
from app.services.reading import as_jpeg
from app.services.verification import MOST_PRINTINGS, PICTURES
from app.synthesis.cards import draw_card
from app.synthesis.catalogue import InventedCard
from app.synthesis.degrade import happens, uniform
from app.vision.local_features import make_features
from app.vision.printings import COMPARED_SIZE_PX
from models.training.config import read_config
from models.training.photos import training_photo

QUERIES = 6000
CARD_HEIGHT_PX = 528
TOP_K = 50
#: Artworks in the gallery of a look: in a large one more pictures are nearly alike, and the best rival agrees
#: better; in smaller ones confidences are a little too low (docs/experiments.md, experiments 39 and 41).
GALLERY_ARTWORKS = (700, 1500, 3000)
#: Four photos of five are hard, in the light of the encoder's own validation: on kinder ones hardly a card is
#: in doubt, and confidences fitted on those were far too low on hard ones. Harder ones than 1 made them too
#: low as well (docs/experiments.md, experiments 28, 39 and 41).
HARD_SHARE, HARD_STRENGTHS, KIND_STRENGTHS = 0.8, (0.6, 1.0), (0.0, 0.6)
LIGHT = read_config(Path(__file__).with_name("config.toml")).held_back.light
BATCH = 64
CLOSEUP_JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True)
class Look:
    """One photo looked up in the gallery: what was found, and whether it is right.

    Attributes:
        ranking: What was found.
        artwork: The artwork group that the photo shows.
        card_id: The printing that it shows.
        masked: Whether that group was taken out of the gallery.
        photo: Which photo.
    """

    ranking: Ranking
    artwork: int
    card_id: str
    masked: bool
    photo: int = 0

    @property
    def artwork_right(self) -> bool:
        """Whether the leader shows the right picture."""
        best = self.ranking.best
        return best is not None and best.artwork_group_id == self.artwork


@dataclass(frozen=True, slots=True)
class Photos:
    """Photos of cards, and the galleries they are looked up in.

    Attributes:
        cards: The whole catalogue.
        templates: Vectors of three templates a card, in card order.
        queries: Vectors of the photos.
        shown: Of each photo the card it shows.
        galleries: Of each photo the artworks that are in its gallery beside the card's own.
        crops: The photos, at the size at which printings are compared.
        closeups: The photos as large as they are, to be read.
        pictures: Of each card its picture as a gallery keeps it.
    """

    cards: Sequence[InventedCard]
    templates: Vectors
    queries: Vectors
    shown: NDArray[np.int_]
    galleries: Sequence[NDArray[np.int_]]
    crops: Sequence[RgbImage]
    closeups: Sequence[StoredImage]
    pictures: Sequence[StoredImage]


def photograph(encoder: LoadedEncoder, cards: Sequence[InventedCard], seed: int) -> Photos:
    """Photographs cards, some several times, and draws a gallery for each photo."""
    rng = np.random.default_rng(seed)
    pictures = [draw_card(card, CARD_HEIGHT_PX) for card in cards]
    artworks = len({card.artwork_id for card in cards})
    shown = rng.integers(len(cards), size=QUERIES)
    queries, crops, closeups = [], [], []
    for start in range(0, QUERIES, BATCH):  # a few at a time: all of them would fill the memory
        views = [_photo(pictures[index], rng) for index in shown[start : start + BATCH]]
        queries.append(encoder.encode_now(views))
        crops += [_compared(view) for view in views]
        closeups += [as_jpeg(view, CLOSEUP_JPEG_QUALITY) for view in views]
    galleries = [rng.permutation(artworks)[: int(rng.choice(GALLERY_ARTWORKS))] for _ in shown]
    return Photos(
        cards,
        _templates(encoder, pictures),
        np.concatenate(queries),
        shown,
        galleries,
        crops,
        closeups,
        [as_jpeg(picture, STORED_JPEG_QUALITY) for picture in pictures],
    )


def _photo(picture: RgbImage, rng: np.random.Generator) -> RgbImage:
    hard = happens(rng, HARD_SHARE)
    strength = uniform(rng, HARD_STRENGTHS if hard else KIND_STRENGTHS)
    light = LIGHT if hard else LIGHT.model_copy(update={"share": 0.0})
    return training_photo(picture, rng, strength, (RECTIFIED_HEIGHT_PX, RECTIFIED_WIDTH_PX), light)


def moved_into_space(photos: Photos, exponent: float) -> Photos:
    """The same photos as a gallery of the whole catalogue sees them that has a space."""
    moments = Moments(photos.templates.shape[1])
    moments.add(photos.templates[:: len(TEMPLATE_SOURCES)])
    space = fit_space(moments, exponent)
    return replace(photos, templates=space.apply(photos.templates), queries=space.apply(photos.queries))


def collect_looks(photos: Photos) -> list[Look]:
    """Looks every photo up, with and without the card's own picture in the gallery."""
    cards = photos.cards
    artwork_ids = list(dict.fromkeys(card.artwork_id for card in cards))
    group_of = np.array([artwork_ids.index(card.artwork_id) for card in cards])
    looks = []
    for photo, (vector, index) in enumerate(zip(photos.queries, photos.shown, strict=True)):
        own = int(group_of[index])
        for masked in (False, True):
            there = np.isin(group_of, photos.galleries[photo]) & (group_of != own) | (group_of == own) & (
                not masked
            )
            ranking = _look_up(photos.templates @ vector, cards, group_of, there)
            looks.append(Look(ranking, own, cards[index].card.card_id, masked, photo))
    return looks


def compare_looks(photos: Photos, looks: Sequence[Look]) -> list[Compared]:
    """Compares every photo with the leading pictures of its look, as the service does."""
    features = {card.card.card_id: (make_features(draw_card(card, CARD_HEIGHT_PX)),) for card in photos.cards}
    found = []
    for look in looks:
        leaders = look.ranking.leaders(PICTURES)
        found.append(compare_pictures(photos.crops[look.photo], leaders, features))
    return found


def verified_looks(
    photos: Photos, looks: Sequence[Look], compared: Sequence[Compared], worth: float
) -> list[Look]:
    """The looks after verification; photos whose picture has several printings are compared with these.

    Nothing is made of the differences yet: see ``printing_fit.weighed``.

    Args:
        photos: What the looks were at.
        looks: As the search gave them.
        compared: Of each look what the comparison with the leading pictures gave.
        worth: The similarity that an agreement of 1 is worth.
    """
    pictures = {card.card.card_id: image for card, image in zip(photos.cards, photos.pictures, strict=True)}
    verified = []
    for look, one in zip(looks, compared, strict=True):
        anew = ranked_anew(look.ranking, one, worth)
        ranking, members = anew.ranking, anew.ranking.members()[:MOST_PRINTINGS]
        if anew.affine is not None and len(members) > 1:
            crop = photos.crops[look.photo]
            laid = lay_printings(crop, anew.affine, members, pictures)
            ranking = with_differences(ranking, differences_of(crop, laid), 0.0)
        verified.append(replace(look, ranking=ranking))
    return verified


def _compared(view: RgbImage) -> RgbImage:
    return np.asarray(cv2.resize(view, COMPARED_SIZE_PX[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _templates(encoder: LoadedEncoder, pictures: Sequence[RgbImage]) -> Vectors:
    """Three templates a card, as an import makes them, in card order."""
    parts = []
    for start in range(0, len(pictures), BATCH):
        views: list[RgbImage] = []
        for index, picture in enumerate(pictures[start : start + BATCH], start):
            views.extend(template_views(picture, f"{index:08x}"))
        parts.append(encoder.encode_now(views))
    return np.concatenate(parts)


def _look_up(
    similarities: NDArray[np.float32],
    cards: Sequence[InventedCard],
    group_of: NDArray[np.int_],
    there: NDArray[np.bool_],
) -> Ranking:
    """What the database's search and the ranking after it would give in a gallery of the cards ``there``."""
    views = len(TEMPLATE_SOURCES)
    usable = np.where(np.repeat(there, views), similarities, -np.inf)
    order = np.argsort(-usable)[:TOP_K]
    hits = [
        TemplateHit(
            0,
            cards[place // views].card,
            int(group_of[place // views]),
            float(usable[place]),
            TEMPLATE_SOURCES[place % views],
        )
        for place in order
        if np.isfinite(usable[place])
    ]
    return rank(hits)
