"""The one error tree of the service; only ``app.api.errors`` knows what HTTP makes of it.

BinderlensError
├── InvalidInput                what the caller sent cannot be used
│   ├── EmptyUpload
│   ├── UploadTooLarge          more bytes or pixels than the limits allow
│   ├── UnsupportedFormat       not a picture of a known format
│   ├── BrokenImage             a known format, but it cannot be decoded
│   ├── InvalidParameter        a field or option out of its range
│   ├── MalformedRequest        not even the form of the request can be read
│   └── LabelsError             a label file that cannot be used
├── AccessDenied
│   ├── Unauthenticated         no key, or one that is not known
│   ├── ScopeMissing            a known key that may not do this
│   ├── HostNotAllowed          no keys are set, and the request came under a foreign name
│   └── CrossSiteRequest        a page of another site asks for a change without a key of its own
├── RateLimited                 this key has had its share for now
│   └── LoginsLimited           this address has tried too many wrong keys
├── NotFound                    an id that names nothing
├── IdempotencyConflict         the same key with another body
├── Unavailable                 try again later
│   ├── Busy                    every permit is taken
│   ├── MemoryTight             serving on would risk the process
│   ├── DatabaseUnavailable     cannot be reached
│   ├── GalleryEmpty
│   ├── GalleryMismatch         templates of another encoder
│   └── NotReady                start-up has not finished, or failed
├── SearchTimeout               the database cancelled a statement (SQLSTATE 57014)
├── DeadlineExceeded            REQUEST_TIMEOUT_MS is over
├── EncoderError
│   ├── EncoderNotFound
│   ├── EncoderFileMissing
│   └── EncoderInvalid          truncated, foreign, mismatching or not reproducing its golden vector
├── SourceResting               a server that cards are fetched from asks to be left alone for long
├── ManifestError               a manifest that cannot be read at all
├── MigrationError              applied migrations and files disagree
│   └── MigrationsMissing       until somebody applies them
└── ConfigurationError          settings that must not be used
"""

from __future__ import annotations


class BinderlensError(Exception):
    """Root of everything the product raises on purpose; ``str(error)`` is one clear line for people."""

    #: Seconds after which trying again makes sense; ``None`` where it does not.
    retry_after_s: int | None = None


class InvalidInput(BinderlensError):
    """What the caller sent cannot be used."""


class EmptyUpload(InvalidInput):
    """The uploaded file has no bytes."""


class UploadTooLarge(InvalidInput):
    """More bytes, pixels or frames than the limits allow."""


class UnsupportedFormat(InvalidInput):
    """Not a picture of a known format."""


class BrokenImage(InvalidInput):
    """A picture of a known format that cannot be decoded."""


class InvalidParameter(InvalidInput):
    """A field or option that is missing, unknown or out of its range."""


class MalformedRequest(InvalidInput):
    """Not even the form of the request can be read: broken JSON, a broken multipart body."""


class LabelsError(InvalidInput):
    """A label file that cannot be read or says something impossible."""


class AccessDenied(BinderlensError):
    """Whoever asks may not do this."""


class Unauthenticated(AccessDenied):
    """No key came with the request, or one that is not known."""


class ScopeMissing(AccessDenied):
    """The key is known but lacks the scope that this needs."""


class HostNotAllowed(AccessDenied):
    """No keys are set, and the request names a host that is not this one."""


class CrossSiteRequest(AccessDenied):
    """The page of another site asks for more than to look, where no key is set or by somebody's login."""


class RateLimited(BinderlensError):
    """This key has had its share of a span of time; others are still served."""

    def __init__(self, detail: str, retry_after_s: int = 60) -> None:
        """Takes the seconds until the next span begins."""
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class LoginsLimited(RateLimited):
    """From this address too many wrong keys were tried."""


class NotFound(BinderlensError):
    """An id that names nothing."""


class IdempotencyConflict(BinderlensError):
    """The same idempotency key came with another body."""


class Unavailable(BinderlensError):
    """The service cannot do this now but may soon."""

    retry_after_s = 5


class Busy(Unavailable):
    """Every permit is taken."""

    retry_after_s = 2


class MemoryTight(Unavailable):
    """Serving this would bring the process too close to its memory limit."""

    retry_after_s = 5


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached."""


class GalleryEmpty(Unavailable):
    """There is nothing to search in."""

    retry_after_s = 30


class GalleryMismatch(Unavailable):
    """The templates in the database belong to another encoder."""

    retry_after_s = 30


class NotReady(Unavailable):
    """Start-up has not finished, or failed."""


class SearchTimeout(BinderlensError):
    """The database cancelled a statement because STATEMENT_TIMEOUT_MS was over (SQLSTATE 57014)."""


class DeadlineExceeded(BinderlensError):
    """REQUEST_TIMEOUT_MS is over."""


class EncoderError(BinderlensError):
    """An encoder that cannot be used."""


class EncoderNotFound(EncoderError):
    """No encoder of that name in the models folder."""


class EncoderFileMissing(EncoderError):
    """The encoder is described but its weights are not here."""


class EncoderInvalid(EncoderError):
    """The encoder's files are truncated, foreign or mismatching, or do not reproduce its golden vector."""


class SourceResting(BinderlensError):
    """A server that cards are fetched from asks to be left alone for longer than anybody waits."""


class ManifestError(BinderlensError):
    """A manifest that cannot be read at all."""


class MigrationError(BinderlensError):
    """What was applied to the database and what the migration files say disagree."""


class MigrationsMissing(MigrationError):
    """The database still lacks migrations that are here; applying them mends it."""


class ConfigurationError(BinderlensError):
    """Settings that must not be used."""
