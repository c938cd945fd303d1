"""In-memory stand-ins for the ports, for tests of what lies above them. They keep the ports' promises."""

from tests.fakes.engine import ENCODER_INFO, FakeGuard, TinyEncoder
from tests.fakes.gallery import InMemoryGallery
from tests.fakes.scans import InMemoryScanStore

__all__ = ["ENCODER_INFO", "FakeGuard", "InMemoryGallery", "InMemoryScanStore", "TinyEncoder"]
