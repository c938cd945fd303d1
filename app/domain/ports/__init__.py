"""What services need of the outside: an encoder, a gallery and a scan store. Adapters implement these."""

from app.domain.ports.encoder import Encoder, MemoryGuard
from app.domain.ports.gallery import Gallery, References
from app.domain.ports.scans import QualityStore, ScanStore

__all__ = ["Encoder", "Gallery", "MemoryGuard", "QualityStore", "References", "ScanStore"]
