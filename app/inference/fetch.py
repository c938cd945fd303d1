"""Downloads full open_clip checkpoints from the Hugging Face hub, or a mirror that speaks its paths.

The hub's own download call keeps no partial file once its process ends. A checkpoint has gigabytes, so here
the partial file stays, named by the hash it is to have, and the next call goes on where the last one stopped.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from huggingface_hub import get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from app.domain.errors import EncoderFileMissing, EncoderInvalid
from app.inference.catalogue import describe_pretrained, folder_name, write_description
from app.inference.files import sha256_of
from app.inference.manifest import SOURCE_NAME, EncoderSource, read_source
from app.inference.torchvision_compat import import_open_clip

CHECKPOINT_STEM = "full_checkpoint"
_RECEIPT_NAME = f"{CHECKPOINT_STEM}.json"
_SHA256_LENGTH = 64


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the hub, with the hash that the hub vouches for."""

    url: str
    file: str
    sha256: str
    size_bytes: int


def fetch_encoder(models_dir: Path, name: str, *, endpoint: str | None = None) -> Path:
    """Downloads a checkpoint into its folder, with a progress bar on standard error.

    Args:
        models_dir: Folder of the encoders.
        name: open_clip's ``architecture/checkpoint``.
        endpoint: Base URL of the hub; None takes ``HF_ENDPOINT``, else huggingface.co.

    Where it fails, the start of a download stays, to go on from; a folder made for nothing does not.

    Returns:
        The checkpoint's path. One that is there already is hashed again, not downloaded again.

    Raises:
        EncoderNotFound: open_clip does not know the name.
        EncoderFileMissing: the hub cannot be reached, or does not have it.
        EncoderInvalid: what came has another hash, or the hub vouches for none.
    """
    folder = models_dir / folder_name(name)
    with _leaving_no_empty_folder(folder):
        if not (folder / SOURCE_NAME).is_file():
            write_description(folder, *describe_pretrained(name))
        return _fetch_into(folder, name, endpoint)


@contextmanager
def _leaving_no_empty_folder(folder: Path) -> Iterator[None]:
    """Takes a folder away again that was made in here, where that failed before any of a file came."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except BaseException:
        partial = list(folder.glob("*.partial"))
        for path in partial:
            if path.stat().st_size == 0:
                path.unlink()
        if made and not any(path.exists() for path in partial):
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # somebody else has put something there
                for parent in made[1:]:
                    parent.rmdir()
        raise


def _fetch_into(folder: Path, name: str, endpoint: str | None) -> Path:
    source = read_source(folder)
    try:
        remote = _find_remote(source, endpoint)
        target = folder / f"{CHECKPOINT_STEM}{Path(remote.file).suffix}"
        if not (target.is_file() and sha256_of(target) == remote.sha256):
            _download(remote, target)
    except (httpx.HTTPError, HfHubHTTPError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise EncoderFileMissing(f"{name} could not be fetched: {reason}") from error
    (folder / _RECEIPT_NAME).write_text(json.dumps(asdict(remote), indent=2) + "\n", encoding="utf-8")
    return target


def _find_remote(source: EncoderSource, endpoint: str | None) -> RemoteFile:
    """Asks the hub for the first of the usual file names; safetensors first, as pickles can run code."""
    constants = import_open_clip().constants
    usual = [constants.HF_SAFE_WEIGHTS_NAME, constants.HF_WEIGHTS_NAME]
    for file in [source.file] if source.file else usual:
        url = hf_hub_url(source.repository, file, endpoint=endpoint)
        try:
            metadata = get_hf_file_metadata(url, endpoint=endpoint)
        except EntryNotFoundError:
            continue
        sha256 = metadata.etag or ""
        if len(sha256) != _SHA256_LENGTH or metadata.size is None:
            raise EncoderInvalid(f"{url}: the server states no SHA-256, so nothing from it can be trusted")
        return RemoteFile(url=url, file=file, sha256=sha256, size_bytes=metadata.size)
    raise EncoderFileMissing(f"{source.repository} has none of {', '.join(usual)}")


def _download(remote: RemoteFile, target: Path) -> None:
    partial_path = target.with_name(f"{CHECKPOINT_STEM}-{remote.sha256[:12]}.partial")
    with partial_path.open("ab") as file:
        resume_size = file.tell()
        if resume_size > remote.size_bytes:
            file.truncate(0)
            resume_size = 0
        http_get(
            remote.url,
            file,
            resume_size=resume_size,
            expected_size=remote.size_bytes,
            headers=build_hf_headers(),
            displayed_filename=remote.file,
        )
    if sha256_of(partial_path) != remote.sha256:
        partial_path.unlink()
        raise EncoderInvalid(f"{remote.url}: what came does not have the SHA-256 that the server stated")
    partial_path.replace(target)
