"""Settings from the environment and ``.env``, read once and never changed.

Every name carries its unit. ``.env.example`` lists them all; a test keeps it equal to this file.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent

#: A megabyte as disks and this file count it, not the 1,048,576 bytes of a mebibyte.
BYTES_A_MEGABYTE: Final = 1_000_000
PIXELS_A_MEGAPIXEL: Final = 1_000_000

#: Scheme, host and port of RFC 6454, as a browser sends them. No ``*``: every page of the web is never meant.
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:.]+\](:\d{1,5})?")

#: ``max_connections`` of the embedded PostgreSQL.
EMBEDDED_MAX_CONNECTIONS: Final = 60
#: Two processes may share it, say a service and the one that takes over; ten are left for commands.
EMBEDDED_MAX_POOL_SIZE: Final = (EMBEDDED_MAX_CONNECTIONS - 10) // 2


class Settings(BaseSettings):
    """All that can be set, with its default."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, str_strip_whitespace=True
    )

    database_url: SecretStr | None = Field(
        None, description="PostgreSQL 15+ with pgvector 0.8+; empty starts the embedded one in DATA_DIR"
    )
    data_dir: Path = Field(Path("data"), description="folder of the embedded database and of downloads")
    models_dir: Path = Field(PROJECT_ROOT / "models", description="folder of the encoders")
    host: str = Field(
        "127.0.0.1", description="address to listen on; beyond loopback API_KEYS or API_KEYS_FILE must be set"
    )
    port: int = Field(8000, ge=1, le=65535, description="TCP port to listen on")
    api_keys: SecretStr = Field(
        SecretStr(""),
        description="comma-separated ID:SCOPES:KEY; scopes identify, correct, admin joined by +; "
        "KEY in the clear or as sha256=HEX; several entries may share an ID and its scopes",
    )
    api_keys_file: Path | None = Field(
        None,
        description="file of such entries, one a line, beside those of API_KEYS; it is read again while the "
        "service runs, so keys come and go without a restart",
    )
    allow_open_access: bool = Field(
        False,
        description="true lets the service listen beyond loopback without any key: whoever reaches it may "
        "do everything, deleting included",
    )
    cors_origins: str = Field(
        "",
        description="comma-separated origins (https://shop.example) whose web pages may call the service; "
        "empty: none",
    )

    forwarded_allow_ips: str = Field(
        "127.0.0.1,::1",
        description="comma-separated addresses or networks (10.0.0.0/8) of proxies whose X-Forwarded-For and "
        "X-Forwarded-Proto are believed; *: whoever connects, where nobody but a proxy can",
    )

    encoder: str = Field(
        "compact", description="folder in MODELS_DIR, or an open_clip architecture/checkpoint"
    )
    encoder_precision: Literal["auto", "fp32", "bf16", "int8"] = Field(
        "auto",
        description="number format the encoder computes in; auto: int8 where it was exported, its proof "
        "holds and the processor multiplies it, else bf16 where the processor does, else fp32",
    )
    encoder_runtime: Literal["auto", "openvino", "torch"] = Field(
        "auto", description="what computes the encoder; auto: openvino where the encoder's folder has a graph"
    )
    encoder_threads: int = Field(0, ge=0, le=256, description="threads of the encoder; 0: one a core")

    retrieval_topk: int = Field(50, ge=1, le=1000, description="templates searched for each card")
    retrieval_topk_retry: int = Field(
        25, ge=1, le=1000, description="templates searched after a statement timeout; at most RETRIEVAL_TOPK"
    )
    statement_timeout_ms: int = Field(
        5000,
        ge=1,
        description="after this PostgreSQL cancels a search; twice this must be less than REQUEST_TIMEOUT_MS",
    )
    request_timeout_ms: int = Field(30000, ge=100, description="after this a request is answered with 504")
    verification_budget_ms: int = Field(
        350,
        ge=0,
        description="for comparing a page with reference pictures; cards left over say so in degraded",
    )
    ocr: Literal["auto", "off"] = Field(
        "auto",
        description="whether the number, set and name on a card are read where its printing is in doubt; "
        "auto: where the extra `ocr` is installed",
    )
    db_pool_size: int = Field(
        5,
        ge=1,
        le=100,
        description=f"connections kept to the database; at most {EMBEDDED_MAX_POOL_SIZE} to the embedded one",
    )

    max_upload_mb: int = Field(
        40, ge=1, le=1024, description="largest picture accepted, in megabytes of 1,000,000 bytes"
    )
    max_image_megapixels: int = Field(60, ge=1, le=1000, description="largest picture, in megapixels")
    max_concurrent_scans: int = Field(2, ge=1, le=64, description="scans worked on at once; more get 503")
    scans_per_minute: int = Field(
        0,
        ge=0,
        description="scans taken from one API key in one minute of the clock, failed ones and explanations "
        "included, by each replica for itself; more get 429; 0: no limit",
    )
    memory_limit_mb: int = Field(
        0,
        ge=0,
        description="anonymous memory at which scans are refused, in megabytes of 1,000,000 bytes; "
        "0: the cgroup's limit",
    )
    scan_retention_days: int = Field(90, ge=0, description="older scans are deleted; 0 keeps them")
    learning: bool = Field(
        True,
        description="whether corrections become templates, within seconds and in the service itself; "
        "`binderlens learn` does the same once, whatever this says",
    )
    corrections_per_day: int = Field(
        1000,
        ge=1,
        description="corrections taken and learnt from one API key in one day (UTC); more get 429 from each "
        "replica, and what several replicas took beyond it is not learnt",
    )

    accept_picture_precision: float = Field(
        0.999,
        gt=0.5,
        lt=1,
        description="for `binderlens evaluate --fit`: share of the accepted answers that must show the right "
        "picture; where the labels are too few to prove it, the threshold stays",
    )
    accept_printing_precision: float = Field(
        0.997,
        gt=0.5,
        lt=1,
        description="likewise: share of the accepted answers that must name the right printing",
    )
    unknown_recall: float = Field(
        0.93,
        gt=0,
        lt=1,
        description="likewise: share of the cards of no gallery that should be called unknown",
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level logged")
    log_format: Literal["console", "json"] = Field(
        "console", description="log lines for people or for programs"
    )

    @property
    def max_upload_bytes(self) -> int:
        """Largest picture accepted, in bytes."""
        return self.max_upload_mb * BYTES_A_MEGABYTE

    @property
    def max_image_pixels(self) -> int:
        """Largest picture accepted: its width times its height in pixels."""
        return self.max_image_megapixels * PIXELS_A_MEGAPIXEL

    @property
    def memory_limit_bytes(self) -> int:
        """``MEMORY_LIMIT_MB`` in bytes; 0 asks the cgroup."""
        return self.memory_limit_mb * BYTES_A_MEGABYTE

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """``CORS_ORIGINS`` one by one, in lower case as browsers send them."""
        return tuple(origin.strip().lower() for origin in self.cors_origins.split(",") if origin.strip())

    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        """``FORWARDED_ALLOW_IPS`` one by one: addresses and networks, or ``*`` alone."""
        return tuple(proxy.strip() for proxy in self.forwarded_allow_ips.split(",") if proxy.strip())

    def without_keys(self) -> Self:
        """The same without ``API_KEYS``: what lives on once their hashes have been taken."""
        return self.model_copy(update={"api_keys": SecretStr("")})

    @model_validator(mode="after")
    def _refuse_what_is_no_origin(self) -> Self:
        for origin in self.allowed_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"CORS_ORIGINS has {origin!r}, which is no origin: https://HOST or https://HOST:PORT"
                )
        return self

    @model_validator(mode="after")
    def _refuse_what_is_no_proxy(self) -> Self:
        for proxy in self.trusted_proxies if self.trusted_proxies != ("*",) else ():
            try:
                ipaddress.ip_network(proxy)
            except ValueError as error:  # it would never be the address of a connection, and go unnoticed
                raise ValueError(
                    f"FORWARDED_ALLOW_IPS has {proxy!r}, which is no address or network; * stands alone"
                ) from error
        return self

    @model_validator(mode="after")
    def _refuse_a_wider_retry(self) -> Self:
        if self.retrieval_topk_retry > self.retrieval_topk:
            raise ValueError(
                f"RETRIEVAL_TOPK_RETRY is {self.retrieval_topk_retry}, more than RETRIEVAL_TOPK "
                f"({self.retrieval_topk}): the search after a timeout must not be the wider one"
            )
        return self

    @model_validator(mode="after")
    def _refuse_a_deadline_before_the_retry(self) -> Self:
        if 2 * self.statement_timeout_ms >= self.request_timeout_ms:
            raise ValueError(
                f"STATEMENT_TIMEOUT_MS is {self.statement_timeout_ms} and REQUEST_TIMEOUT_MS "
                f"{self.request_timeout_ms}: two searches that are cut off would use up the request, which "
                "is then refused instead of answered with less; allow more than twice STATEMENT_TIMEOUT_MS"
            )
        return self

    @model_validator(mode="after")
    def _refuse_a_pool_that_the_embedded_server_cannot_serve(self) -> Self:
        if self.database_url is None and self.db_pool_size > EMBEDDED_MAX_POOL_SIZE:
            raise ValueError(
                f"DB_POOL_SIZE is {self.db_pool_size}, but the embedded database has "
                f"{EMBEDDED_MAX_CONNECTIONS} connections for all processes: "
                f"at most {EMBEDDED_MAX_POOL_SIZE} without DATABASE_URL"
            )
        return self
