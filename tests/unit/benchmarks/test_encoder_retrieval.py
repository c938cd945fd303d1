"""Ranks, recalls and the benchmark's command."""

import csv
import json

import cv2
import numpy as np
import pytest

from benchmarks.encoder_retrieval import main
from benchmarks.references import invented_distractors, read_gallery
from benchmarks.retrieval import in_gallery_space, ranks_of_right, recalls, vector_method


@pytest.fixture
def galleries(tmp_path, cards):
    """A folder with two manifests of six cards each."""
    for name, share in (("first", cards[:6]), ("second", cards[6:])):
        (tmp_path / name).mkdir()
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["card_id", "name", "image"])
            for number, card in enumerate(share):
                cv2.imwrite(str(tmp_path / name / f"{number}.png"), card[:, :, ::-1])
                writer.writerow([f"{name}-{number}", "a card", f"{name}/{number}.png"])
    return tmp_path


def test_the_rank_counts_better_cards_not_better_pictures():
    similarities = np.array([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]], dtype=np.float32)
    labels = np.array([5, 5, 3, 9])
    # Query 0 wants card 3: only card 5 is before it, although with two pictures. Query 1 wants card 5.
    assert ranks_of_right(similarities, labels, np.array([3, 5])).tolist() == [2, 3]


def test_ties_keep_the_order_of_the_gallery():
    similarities = np.zeros((1, 3), dtype=np.float32)
    assert ranks_of_right(similarities, np.array([0, 1, 2]), np.array([1])).tolist() == [2]


def test_recall_counts_what_is_within_each_depth():
    first, five, fifty = recalls(np.array([1, 1, 3, 51]))
    assert (first.found, five.found, fifty.found) == (2, 3, 3)
    assert first.share == 0.5
    assert first.interval == pytest.approx((0.150, 0.850), abs=1e-3)


def test_only_the_named_manifests_are_read(galleries):
    assert len(read_gallery(galleries)) == 12
    assert {one.card_id for one in read_gallery(galleries, ["second"])} == {f"second-{n}" for n in range(6)}
    with pytest.raises(ValueError, match=r"third\.csv is missing"):
        read_gallery(galleries, ["third"])


def test_a_folder_without_manifests_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no CSV manifest"):
        read_gallery(tmp_path)


def test_the_command_measures_every_method_and_writes_its_figures(galleries, tmp_path, capsys):
    report = tmp_path / "report.json"
    arguments = ["--galleries", str(galleries), "--baselines-only", "--queries", "3", "--levels", "medium"]
    assert main([*arguments, "--json", str(report)]) == 0
    figures = json.loads(report.read_text())
    by_method = {one["method"]: one for one in figures["results"]}
    assert set(by_method) == {"pHash 64", "pHash 256", "dHash 64", "dHash 256", "compact, untrained"}
    assert {one["references"] for one in figures["results"]} == {12}
    best = by_method["pHash 256"]["exact"][0]
    assert best["queries"] == 3 and best["found"] >= 2
    low, high = best["wilson_95"]
    assert low < best["share"] <= high
    assert "| medium | 12 | pHash 256 |" in capsys.readouterr().out


def test_distractors_are_searched_but_never_asked_for(galleries, tmp_path):
    report = tmp_path / "report.json"
    arguments = ["--galleries", str(galleries), "--baselines-only", "--queries", "20", "--levels", "easy"]
    assert main([*arguments, "--invented", "5", "--json", str(report)]) == 0
    results = [one for one in json.loads(report.read_text())["results"] if one["method"] == "pHash 256"]
    assert [one["references"] for one in results] == [12, 17]
    assert all(one["exact"][0]["queries"] == 12 for one in results)
    assert results[1]["exact"][0]["found"] <= results[0]["exact"][0]["found"]


def test_invented_distractors_are_different_cards():
    distractors = invented_distractors(4)
    assert len({one.card_id for one in distractors}) == 4
    assert all(one.is_distractor and one.picture().shape == (396, 284, 3) for one in distractors)


def test_an_unknown_revision_is_one_line_and_status_1(galleries, capsys):
    arguments = ["--galleries", str(galleries), "--baselines-only", "--queries", "1", "--levels", "easy"]
    assert main([*arguments, "--previous", "no-such-revision"]) == 1
    assert "no-such-revision" in capsys.readouterr().err.splitlines()[0]


def test_a_space_lets_a_faint_direction_count_in_a_gallery_that_is_large_enough():
    rng = np.random.default_rng(0)
    scale = np.array([1.0, 1.0, 0.1, 0.1, 0.1])
    cards = np.array([3.0, 0, 0, 0, 0]) + rng.normal(size=(1000, 5)) * scale
    photos = cards + rng.normal(size=(1000, 5)) * np.array(
        [0.2, 0.2, 0.002, 0.002, 0.002]
    )  # loud ones are noisy
    stored, asked = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (cards, photos))
    method = vector_method("loud", lambda pictures: np.zeros((len(pictures), 5)))
    spaced = in_gallery_space(method, 0.5, least_cards=1000)
    labels = np.arange(1000)
    plain = ranks_of_right(method.similarities(asked, stored), labels, labels)
    even = ranks_of_right(spaced.similarities(asked, stored), labels, labels)
    assert (even == 1).mean() > (plain == 1).mean() + 0.1
    few = spaced.similarities(asked[:900], stored[:900])
    np.testing.assert_array_equal(few, method.similarities(asked[:900], stored[:900]))


def test_a_missing_encoder_is_one_line_and_status_1(galleries, tmp_path, capsys):
    arguments = ["--galleries", str(galleries), "--models", str(tmp_path), "--encoder", "nothing"]
    assert main([*arguments, "--queries", "1"]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_wrong_usage_is_status_2(galleries):
    with pytest.raises(SystemExit) as stop:
        main(["--galleries", str(galleries), "--levels", "harder"])
    assert stop.value.code == 2
