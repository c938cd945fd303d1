"""What a process looks like at the moment of a scrape, as Prometheus wants it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One look at the process; what is not known yet is empty, and left out.

    Attributes:
        ready: Every check of ``/ready`` by its name.
        permits: ``taken`` and ``limit`` of the scans worked on, ``uploads`` on their way.
        connections: ``busy``, ``idle`` and ``limit`` of the pool.
        connections_opened: Since the start.
        database_failures: How often work found the database away since the start.
        memory_limit_bytes: None where there is no limit.
        encoder: Name, precision and fingerprint.
        key_file_is_current: None where there is no ``API_KEYS_FILE``.
    """

    ready: Mapping[str, bool]
    permits: Mapping[str, int] = field(default_factory=dict)
    connections: Mapping[str, int] = field(default_factory=dict)
    connections_opened: int | None = None
    database_failures: int | None = None
    memory_limit_bytes: int | None = None
    encoder: Mapping[str, str] = field(default_factory=dict)
    key_file_is_current: bool | None = None


class StateCollector(Collector):
    """Answers a scrape with the state that was set last."""

    def __init__(self) -> None:
        self._state: ProcessState | None = None

    def set(self, state: ProcessState) -> None:
        """Takes what the next scrape shows."""
        self._state = state

    def collect(self) -> Iterable[Metric]:
        """The state as families of metrics."""
        return [] if self._state is None else _families(self._state)


def _families(state: ProcessState) -> Sequence[Metric]:
    ready = {name: int(ok) for name, ok in state.ready.items()}
    families: list[Metric] = [
        _gauge("binderlens_ready", "1 where a check of /ready holds", "check", ready),
        _gauge("binderlens_permits", "Scans worked on, their limit, and uploads", "state", state.permits),
        _gauge("binderlens_db_connections", "Connections of the pool", "state", state.connections),
    ]
    if state.connections_opened is not None:
        families.append(
            CounterMetricFamily(
                "binderlens_db_connections_opened",
                "Connections opened to the database; more than the limit means that some were opened again",
                value=state.connections_opened,
            )
        )
    if state.database_failures is not None:
        families.append(
            CounterMetricFamily(
                "binderlens_db_failures",
                "How often work found the database away",
                value=state.database_failures,
            )
        )
    if state.memory_limit_bytes is not None:
        families.append(
            GaugeMetricFamily(
                "binderlens_memory_limit_bytes",
                "Anonymous memory at which scans are refused",
                value=state.memory_limit_bytes,
            )
        )
    if state.encoder:
        families.append(
            InfoMetricFamily("binderlens_encoder", "Which encoder serves", value=dict(state.encoder))
        )
    if state.key_file_is_current is not None:
        families.append(
            GaugeMetricFamily(
                "binderlens_api_key_file_current",
                "0 where API_KEYS_FILE cannot be used and older keys hold",
                value=int(state.key_file_is_current),
            )
        )
    return families


def _gauge(name: str, text: str, label: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
