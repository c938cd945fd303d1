"""Finding cards in pictures."""

from app.vision.detect.detector import detect_cards

__all__ = ["detect_cards"]
