"""An invented game: which cards exist, in which sets, and everything that drawing them needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from app.domain.types import Card
from app.synthesis import names
from app.synthesis.art.compose import Artwork
from app.synthesis.art.noise import Rng
from app.synthesis.frames import Frame, full_art_frame, invent_frame
from app.synthesis.symbols import RARITIES
from app.synthesis.text import Script

GAME = "invented"
ELEMENT_HUES = (0.08, 0.17, 0.29, 0.38, 0.57, 0.69, 0.85, 0.96)
"""One hue (in turns of OKLCH) for each of the game's eight elements."""

THEMES = ("creature", "figure", "place", "machine", "thing", "pattern")
_KIN_SHARE = 0.12
_AGAIN_SHARE = 0.5
_THEME_SHARES = (0.3, 0.27, 0.15, 0.1, 0.1, 0.08)
_SCRIPT_KINDS = ("runes", "loops", "blocks")


@dataclass(frozen=True, slots=True)
class CardText:
    """The words on a card."""

    name: str
    kind: str
    rules: str
    flavour: str
    moves: tuple[str, str]
    script: Script | None = None


@dataclass(frozen=True, slots=True)
class InventedCard:
    """One printing of the invented game.

    Attributes:
        card: Its catalogue entry.
        artwork_id: Shared by every printing of one picture.
        seed: Of this printing.
        artwork: What the picture shows.
        frame: Layout and colours of the set.
        text: The words.
        element: Which of ``ELEMENT_HUES``.
        set_seed: Decides the set symbol.
        cost: Price to play, 0 to 9.
        power: Strength and life.
        foil_seed: Decides the foil's pattern; None for an ordinary printing.
        full_art: Whether the picture fills the card.
    """

    card: Card
    artwork_id: str
    seed: int
    artwork: Artwork
    frame: Frame
    text: CardText
    element: int
    set_seed: int
    cost: int
    power: tuple[int, int]
    foil_seed: int | None
    full_art: bool


@dataclass(frozen=True, slots=True)
class _Set:
    set_id: str
    name: str
    seed: int
    frame: Frame
    full_frame: Frame
    size: int


def invent_catalogue(
    seed: int,
    artworks: int,
    *,
    reprint_share: float = 0.2,
    foil_share: float = 0.05,
    language_share: float = 0.05,
    full_art_share: float = 0.2,
    set_size: int = 120,
    reprints_most: int = 1,
) -> list[InventedCard]:
    """Invents a game's cards; the same arguments give the same cards, another seed other pictures.

    Args:
        seed: Of the whole catalogue; no two seeds share a picture.
        artworks: How many different pictures.
        reprint_share: Share of pictures printed again in another set, half of them in the very same frame.
        foil_share: Share of pictures that also exist as a parallel foil.
        language_share: Share of pictures that also exist in another language.
        full_art_share: Share of pictures that fill their card.
        set_size: Mean number of first printings in a set.
        reprints_most: How often a reprinted picture is printed again at most, each time in another set and
            half as often as the time before.

    Returns:
        First printings set by set, each followed by its parallels; then the reprints.

    Raises:
        ValueError: ``artworks``, ``set_size`` or ``reprints_most`` is below 1, or a share is outside [0, 1].
    """
    shares = (reprint_share, foil_share, language_share, full_art_share)
    if min(artworks, set_size, reprints_most) < 1 or not all(0 <= share <= 1 for share in shares):
        raise ValueError("artworks, set_size and reprints_most must be at least 1 and every share in [0, 1]")
    rng = np.random.default_rng([seed, 1])
    sets = _invent_sets(rng, artworks, set_size)
    firsts = _first_printings(rng, seed, sets, artworks, full_art_share)
    cards = _with_parallels(firsts, foil_share, language_share, rng)
    again = [card for card in firsts if len(sets) > 1 and rng.random() < reprint_share]
    cards.extend(_reprints(again, sets, reprints_most, rng))
    return cards


def _with_parallels(
    firsts: Iterable[InventedCard], foil_share: float, language_share: float, rng: Rng
) -> list[InventedCard]:
    """Each first printing, followed by its foil and its translation where it has them."""
    cards: list[InventedCard] = []
    for card in firsts:
        cards.append(card)
        if rng.random() < foil_share:
            cards.append(_foil(card, rng))
        if rng.random() < language_share:
            cards.append(_translated(card, rng))
    return cards


def _invent_sets(rng: Rng, artworks: int, set_size: int) -> list[_Set]:
    count = max(2 if artworks > 1 else 1, round(artworks / set_size))
    shares = rng.dirichlet(np.full(count, 12.0))
    edges = np.round(np.cumsum(shares) * artworks).astype(int)
    sizes = np.diff(np.concatenate([[0], edges]))
    sets: list[_Set] = []
    for number, size in enumerate(sizes):
        frame = sets[-1].frame if number % 2 == 1 else invent_frame(rng)
        sets.append(
            _Set(
                set_id=f"inv{number + 1:02d}",
                name=f"{names.invent_word(rng, 2).capitalize()} {names.invent_word(rng, 2).capitalize()}",
                seed=int(rng.integers(2**31)),
                frame=frame,
                full_frame=full_art_frame(frame),
                size=int(size),
            )
        )
    return sets


def _first_printings(
    rng: Rng, seed: int, sets: list[_Set], artworks: int, full_art_share: float
) -> list[InventedCard]:
    seeds = np.random.SeedSequence([seed, 2]).generate_state(artworks, np.uint64)
    taken: set[str] = set()
    cards: list[InventedCard] = []
    for home in sets:
        for place in range(home.size):
            full_art = bool(rng.random() < full_art_share)
            frame = home.full_frame if full_art else home.frame
            artwork = _invent_artwork(rng, int(seeds[len(cards)]), frame.window_aspect, cards)
            name = names.invent_name(rng, artwork.theme)
            while name in taken:
                name = names.invent_name(rng, artwork.theme)
            taken.add(name)
            card = _first_printing(rng, home, place + 1, name, artwork)
            artwork_id = f"art{seed}-{len(cards):05d}"
            cards.append(replace(card, artwork_id=artwork_id, frame=frame, full_art=full_art))
    return cards


def _invent_artwork(rng: Rng, art_seed: int, aspect: float, cards: list[InventedCard]) -> Artwork:
    """A new picture; some show again the being or the place of one of the last hundred.

    Real games do so too (stages of one creature, panels of one landscape), and such pictures are easily
    mistaken for each other.
    """
    theme = str(rng.choice(THEMES, p=_THEME_SHARES))
    place_seed, species_seed = (int(s) for s in np.random.SeedSequence(art_seed).generate_state(2, np.uint64))
    hue = ELEMENT_HUES[int(rng.integers(len(ELEMENT_HUES)))]
    akin = rng.random()
    recent = [card.artwork for card in cards[-100:] if card.artwork.theme not in ("place", "pattern")]
    if akin < _KIN_SHARE and recent:
        model = recent[int(rng.integers(len(recent)))]
        if akin < 0.6 * _KIN_SHARE:
            theme, species_seed, hue = model.theme, model.species_seed, model.hue
        else:
            theme, place_seed, hue = model.theme, model.place_seed, model.hue
    return Artwork(art_seed, place_seed, species_seed, theme, hue, aspect)


def _first_printing(rng: Rng, home: _Set, place: int, name: str, artwork: Artwork) -> InventedCard:
    text = CardText(
        name,
        names.invent_kind(rng, artwork.theme),
        names.invent_rules(rng),
        names.invent_flavour(rng),
        (names.invent_move(rng), names.invent_move(rng)),
    )
    return InventedCard(
        card=Card(
            card_id=f"{home.set_id}-{place:03d}",
            name=name,
            set_id=home.set_id,
            set_name=home.name,
            number=f"{place:03d}/{home.size:03d}",
            rarity=str(rng.choice(RARITIES, p=(0.45, 0.3, 0.18, 0.07))),
            language="en",
            game=GAME,
        ),
        artwork_id="",
        seed=int(rng.integers(2**31)),
        artwork=artwork,
        frame=home.frame,
        text=text,
        element=ELEMENT_HUES.index(artwork.hue),
        set_seed=home.seed,
        cost=int(rng.integers(0, 10)),
        power=(int(rng.integers(0, 13)), int(rng.integers(1, 14))),
        foil_seed=None,
        full_art=False,
    )


def _foil(card: InventedCard, rng: Rng) -> InventedCard:
    entry = replace(card.card, card_id=f"{card.card.card_id}-foil", rarity=f"{card.card.rarity} foil")
    return replace(card, card=entry, foil_seed=int(rng.integers(2**31)), seed=int(rng.integers(2**31)))


def _translated(card: InventedCard, rng: Rng) -> InventedCard:
    """The same printing in one of four invented languages, three of them with letters of their own."""
    language = int(rng.integers(4))
    words = np.random.default_rng([card.set_seed, language])
    script = Script(1000 + language, _SCRIPT_KINDS[language - 1]) if language else None
    code = ("qaa", "qab", "qac", "qad")[language]  # ISO 639-2 keeps qaa to qtz for local use
    old = card.text
    text = CardText(
        names.translate(old.name, words),
        names.translate(old.kind, words),
        names.translate(old.rules, words),
        names.translate(old.flavour, words),
        (names.translate(old.moves[0], words), names.translate(old.moves[1], words)),
        script,
    )
    entry = replace(card.card, card_id=f"{card.card.card_id}-{code}", name=text.name, language=code)
    return replace(card, card=entry, text=text)


def _reprints(firsts: Iterable[InventedCard], sets: list[_Set], most: int, rng: Rng) -> list[InventedCard]:
    """Later printings: half in the sister set with the very same frame, half in any other."""
    extra = dict.fromkeys((home.set_id for home in sets), 0)
    seen_in = [(card, [_place_of_set(card, sets)]) for card in firsts]
    cards = []
    for _ in range(most):
        for card, used in seen_in:
            used.append(_next_set(used, len(sets), rng))
            home = sets[used[-1]]
            extra[home.set_id] += 1
            cards.append(_reprint(card, home, home.size + extra[home.set_id], rng))
        seen_in = [(card, used) for card, used in seen_in if len(used) < min(most + 1, len(sets))]
        seen_in = [pair for pair in seen_in if rng.random() < _AGAIN_SHARE]
    return cards


def _place_of_set(card: InventedCard, sets: list[_Set]) -> int:
    return next(i for i, home in enumerate(sets) if home.set_id == card.card.set_id)


def _next_set(used: list[int], sets: int, rng: Rng) -> int:
    """A set that a picture was not printed in yet."""
    sister = used[0] ^ 1
    if sister >= sets or sister in used or rng.random() < 0.5:
        others = [i for i in range(sets) if i not in used]
        sister = others[int(rng.integers(len(others)))]
    return sister


def _reprint(card: InventedCard, home: _Set, place: int, rng: Rng) -> InventedCard:
    entry = replace(
        card.card,
        card_id=f"{home.set_id}-{place:03d}",
        set_id=home.set_id,
        set_name=home.name,
        number=f"{place:03d}/{home.size:03d}",
    )
    frame = home.full_frame if card.full_art else home.frame
    return replace(card, card=entry, frame=frame, set_seed=home.seed, seed=int(rng.integers(2**31)))
