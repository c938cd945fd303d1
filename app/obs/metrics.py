"""What Prometheus is told: one registry for each application, so that nothing is shared between two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.obs.state import ProcessState, StateCollector

#: What a card says of itself when its search was cut off and tried again with fewer templates.
_SEARCHED_AGAIN = "topk_reduced"

#: Seconds. A page takes 0.3 to 5 s by encoder and cores; everything else is milliseconds.
_REQUEST_BUCKETS_S = (0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_STAGE_BUCKETS_S = (0.002, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


class Metrics:
    """Counters, histograms and gauges of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "binderlens_http_requests",
            "Requests by method, route and status; status 0 where the reply never started",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "binderlens_http_request_seconds",
            "Time of a request, upload included",
            ["route"],
            buckets=_REQUEST_BUCKETS_S,
            registry=self._registry,
        )
        self._scans = Counter("binderlens_scans", "Scans answered", registry=self._registry)
        self._cards = Counter(
            "binderlens_cards", "Cards found, by status", ["status"], registry=self._registry
        )
        self._degraded = Counter(
            "binderlens_cards_degraded", "Cards with something skipped", ["reason"], registry=self._registry
        )
        self._search_retries = Counter(
            "binderlens_search_retries",
            "Scans whose search ran into STATEMENT_TIMEOUT_MS and was tried again with fewer templates",
            registry=self._registry,
        )
        self._stage_seconds = Histogram(
            "binderlens_stage_seconds",
            "Time of a scan, by stage",
            ["stage"],
            buckets=_STAGE_BUCKETS_S,
            registry=self._registry,
        )
        self._memory = Gauge(
            "binderlens_memory_bytes", "Memory of the process, by kind", ["kind"], registry=self._registry
        )
        self._guard = Gauge(
            "binderlens_memory_guard_events",
            "Batches, releases and refusals of the memory guard since the start",
            ["event"],
            registry=self._registry,
        )
        self._state = StateCollector()
        self._registry.register(self._state)

    def start_from_zero(
        self, requests: Iterable[tuple[str, str, int]], statuses: Iterable[str], degraded: Iterable[str]
    ) -> None:
        """Shows counts that may come: Prometheus sees no increase in one that begins with its first event.

        Args:
            requests: Method, route and status of requests that an alarm may ask for.
            statuses: All that a card may have.
            degraded: All shortcomings that a card may have.
        """
        for method, route, status in requests:
            self._requests.labels(method, route, str(status))
        for card_status in statuses:
            self._cards.labels(card_status)
        for reason in degraded:
            self._degraded.labels(reason)

    def observe_request(self, method: str, route: str, status: int | None, duration_s: float) -> None:
        """Counts one HTTP request. ``route`` is the template of its path."""
        self._requests.labels(method, route, str(status or 0)).inc()
        self._request_seconds.labels(route).observe(duration_s)

    def observe_scan(
        self, stages_ms: Mapping[str, float], statuses: Iterable[str], degraded: Iterable[str]
    ) -> None:
        """Counts one answered scan: its stages, and the status and shortcomings of each of its cards."""
        self._scans.inc()
        for stage, duration_ms in stages_ms.items():
            self._stage_seconds.labels(stage).observe(duration_ms / 1000.0)
        for status in statuses:
            self._cards.labels(status).inc()
        reasons = list(degraded)
        for reason in reasons:
            self._degraded.labels(reason).inc()
        if _SEARCHED_AGAIN in reasons:
            self._search_retries.inc()

    def set_memory(self, bytes_by_kind: Mapping[str, int], guard_events: Mapping[str, int]) -> None:
        """Takes over what the memory guard sees now; called for each scrape."""
        for kind, value in bytes_by_kind.items():
            self._memory.labels(kind).set(value)
        for event, count in guard_events.items():
            self._guard.labels(event).set(count)

    def set_state(self, state: ProcessState) -> None:
        """Takes over how the process stands now; called for each scrape."""
        self._state.set(state)

    @property
    def content_type(self) -> str:
        """Media type of :meth:`render`."""
        return CONTENT_TYPE_LATEST

    def render(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
