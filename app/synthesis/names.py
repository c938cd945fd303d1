"""Words of the invented game: names, kinds and rules, in the base language and in invented ones."""

from __future__ import annotations

from app.synthesis.art.noise import Rng

_ONSETS = "b br c ch d dr f fl g gr h j k kr l m n p ph qu r s sh sk st t th tr v vr w y z"
_VOWELS = "a a e e i o u ae ai ea ia io ou y"
_CODAS = "l n r s th x m nd rk sh ll st rn k"
_EPITHETS = (
    "Ember Tide Hollow Gilded Silent Broken Ashen Verdant Lunar Iron Crimson Frost Thunder Dusk Dawn Salt "
    "Mirror Thorn Glass Storm Bone Velvet Rust Cinder Marsh Comet Lantern Clockwork Coral Obsidian Wandering "
    "Sleepless Twofold Last First Hungry Patient Drowned Radiant Feral Sunken Painted Nameless Old Great"
)
_ROLES = {
    "creature": "Stalker Drake Hound Whelp Lurker Grazer Colossus Sprite Serpent Moth Beetle Crab Wyrm "
    "Raptor Familiar Brute Swarm Hatchling Devourer Leaper",
    "figure": "Warden Scholar Duelist Witch Captain Pilgrim Smuggler Oracle Knight Tinker Herald Hunter Monk "
    "Queen Thief Envoy Gardener Diver Piper Judge",
    "machine": "Engine Walker Automaton Sentinel Drone Cutter Furnace Relay Crawler Turbine",
    "thing": "Blade Lantern Chalice Crown Key Compass Mask Scroll Bell Idol Shield Ring Orb Hammer",
    "place": "Reach Harbor Spire Ruins Fields Hollow Pass Sanctum Gate Isles Garden Foundry Vault Terrace",
    "pattern": "Echo Vision Riddle Bloom Storm Paradox Chorus Pulse Weave Reverie Surge Eclipse",
}
_MOVES = "Fang Rush Gaze Song Lash Bolt Snare Bloom Howl Dive Grip Spiral Needle Wave Crush Feint Burst Hex"
_KINDS = {
    "creature": "Creature",
    "figure": "Hero",
    "machine": "Construct",
    "thing": "Relic",
    "place": "Site",
    "pattern": "Spell",
}
_SUBJECTS = (
    "this card",
    "a creature you control",
    "each player",
    "target creature",
    "your opponent",
    "a hero",
)
_VERBS = (
    "draws a card",
    "loses 2 life",
    "gains 1 power",
    "returns to hand",
    "is exhausted",
    "takes 3 damage",
    "may search the deck for a site",
    "discards at random",
    "readies at dusk",
    "cannot block this turn",
)
_WHENS = (
    "When you play this,",
    "At dawn,",
    "Once each turn,",
    "If you have fewer cards,",
    "Pay 2:",
    "Exhaust:",
    "After combat,",
    "While the tide is high,",
    "Whenever a relic breaks,",
    "If it would be banished,",
)
_KEYWORDS = (
    "Swift",
    "Tidebound",
    "Ambush",
    "Warded",
    "Flying",
    "Rooted",
    "Echo 2",
    "Fierce",
    "Veiled",
    "Relentless",
)
_FLAVOUR = (
    "Nobody asked it twice.",
    "The map ends here; the road does not.",
    "It remembers the first winter.",
    "Count your fingers afterwards.",
    "What the sea takes, it folds away.",
    "Bright things cast long shadows.",
    "Every door is a question.",
    "She had been told it was extinct.",
    "Listen: the stones are talking again.",
)


def invent_word(rng: Rng, syllables: int) -> str:
    """A word that can be spoken."""
    parts = [_word(rng, _ONSETS) + _word(rng, _VOWELS) for _ in range(syllables)]
    if rng.random() < 0.6:
        parts.append(_word(rng, _CODAS))
    return "".join(parts)


def _pick(rng: Rng, phrases: tuple[str, ...]) -> str:
    return phrases[int(rng.integers(len(phrases)))]


def _word(rng: Rng, words: str) -> str:
    return _pick(rng, tuple(words.split()))


def invent_name(rng: Rng, theme: str) -> str:
    """A card's name, such as ``Vraiken, Ember Warden`` or ``Silent Harbor``."""
    role, epithet = _word(rng, _ROLES[theme]), _word(rng, _EPITHETS)
    proper = invent_word(rng, int(rng.integers(1, 4))).capitalize()
    form = rng.random()
    if form < 0.3:
        return f"{proper}, {epithet} {role}"
    if form < 0.5:
        return f"{epithet} {role} of {proper}"
    if form < 0.75:
        return f"{proper} {role}"
    return proper + invent_word(rng, 1)


def invent_kind(rng: Rng, theme: str) -> str:
    """The line that says what a card is."""
    return f"{_KINDS[theme]}: {_word(rng, _ROLES[theme])}"


def invent_rules(rng: Rng) -> str:
    """Rules of one to four sentences."""
    lines = [
        f"{_pick(rng, _WHENS)} {_pick(rng, _SUBJECTS)} {_pick(rng, _VERBS)}."
        for _ in range(int(rng.integers(1, 4)))
    ]
    if rng.random() < 0.4:
        lines.insert(0, _pick(rng, _KEYWORDS))
    return "\n".join(lines)


def invent_move(rng: Rng) -> str:
    """The name of an attack, such as ``Frost Bite``."""
    return f"{_word(rng, _EPITHETS)} {_word(rng, _MOVES)}"


def invent_flavour(rng: Rng) -> str:
    """A sentence for the mood, or none."""
    return _pick(rng, _FLAVOUR) if rng.random() < 0.6 else ""


def translate(text: str, rng: Rng) -> str:
    """The text in an invented language: every word of the same length class becomes another word."""
    known: dict[str, str] = {}
    out = []
    for line in text.split("\n"):
        words = []
        for word in line.split():
            core = word.strip(".,:;").lower()
            if not core.isalpha():
                words.append(word)
                continue
            if core not in known:
                known[core] = invent_word(rng, max(1, round(len(core) / 3)))
            new = known[core].capitalize() if word[0].isupper() else known[core]
            words.append(new + word[len(word.rstrip(".,:;")) :])
        out.append(" ".join(words))
    return "\n".join(out)
