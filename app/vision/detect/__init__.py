"""Finding cards in pictures."""

from app.vision.detect.detector import detect_cards
from app.vision.detect.votes import Finder

__all__ = ["Finder", "detect_cards"]
