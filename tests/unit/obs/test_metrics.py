from __future__ import annotations

from app.obs.metrics import Metrics
from app.obs.state import ProcessState


def test_two_applications_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.observe_scan({"detect": 250.0}, ["accepted", "accepted", "review"], ["topk_reduced"])
    assert 'binderlens_cards_total{status="accepted"} 2.0' in first.render().decode()
    assert 'binderlens_cards_degraded_total{reason="topk_reduced"} 1.0' in first.render().decode()
    assert 'binderlens_stage_seconds_sum{stage="detect"} 0.25' in first.render().decode()
    assert "binderlens_scans_total 0.0" in second.render().decode()


def test_a_scan_whose_search_was_tried_again_counts_once_however_many_cards_it_has() -> None:
    metrics = Metrics()
    metrics.observe_scan({}, ["review"] * 9, ["topk_reduced"] * 9)
    metrics.observe_scan({}, ["accepted"], ["verification_skipped"])
    assert "binderlens_search_retries_total 1.0" in metrics.render().decode()


def test_a_file_of_keys_shows_whether_it_holds_and_without_one_nothing_is_said() -> None:
    metrics = Metrics()
    metrics.set_state(ProcessState({"startup": False}))
    assert "api_key_file" not in metrics.render().decode()
    metrics.set_state(ProcessState({"startup": False}, key_file_is_current=False))
    assert "binderlens_api_key_file_current 0.0" in metrics.render().decode()


def test_memory_is_what_was_set_last() -> None:
    metrics = Metrics()
    for resident_bytes in (10, 20):
        metrics.set_memory({"resident": resident_bytes}, {"batch": 1})
    text = metrics.render().decode()
    assert 'binderlens_memory_bytes{kind="resident"} 20.0' in text
    assert 'binderlens_memory_guard_events{event="batch"} 1.0' in text


def test_a_request_whose_reply_never_started_counts_as_status_0() -> None:
    metrics = Metrics()
    metrics.observe_request("POST", "/identify", None, 0.5)
    assert (
        'binderlens_http_requests_total{method="POST",route="/identify",status="0"} 1.0'
        in metrics.render().decode()
    )
