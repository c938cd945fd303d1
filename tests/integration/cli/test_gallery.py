"""``gallery import``, ``status`` and ``remove``, as a shell sees them."""

from __future__ import annotations

from pathlib import Path

from tests.command_line import CommandLine
from tests.integration.cli.conftest import CardFolder


def test_an_import_says_what_it_did_and_a_second_one_that_nothing_changed(
    binderlens: CommandLine, cards: CardFolder
) -> None:
    count = len(cards.card_ids)
    first = binderlens(*cards.import_args)
    assert (first.status, first.err) == (0, "")
    assert first.out.startswith(f"{count} cards: {count} added or changed, 0 as before; ")
    assert f"{count} images gave {3 * count} templates" in first.out
    again = binderlens(*cards.import_args)
    assert again.out.startswith(f"{count} cards: 0 added or changed, {count} as before; 0 images")


def test_bad_rows_are_named_by_line_and_the_rest_goes_in(
    binderlens: CommandLine, cards: CardFolder, tmp_path: Path
) -> None:
    good = cards.card_ids[0]
    (cards.images / "notes.jpg").write_text("no picture")
    manifest = tmp_path / "cards.csv"
    manifest.write_text(
        "card_id,name,image\n"
        f"x-1,Good,images/{good}.jpg\n"
        "x-2,,images/none.jpg\n"
        "x-3,Missing,images/none.jpg\n"
        "x-4,Outside,../../etc/passwd\n"
        "x-5,Text,notes.jpg\n"
        f"x-6,Good too,images/{good}.jpg\n"
    )
    outcome = binderlens("gallery", "import", manifest, "--images", cards.images)
    *lines, last = outcome.err.splitlines()
    assert outcome.status == 1
    assert [line.partition(": ")[0] for line in lines] == [f"{manifest}, line {n}" for n in (3, 4, 5, 6)]
    assert last == f"binderlens: 4 rows of {manifest} could not be used; see above"
    status = binderlens("gallery", "status").out
    assert "cards             2, 2 with templates" in status


def test_status_tells_counts_encoder_index_and_coverage(binderlens: CommandLine, cards: CardFolder) -> None:
    binderlens(*cards.import_args)
    lines = binderlens("gallery", "status").out.splitlines()
    count = len(cards.card_ids)
    assert lines[0].split() == ["cards", f"{count},", str(count), "with", "templates"]
    assert f"templates         {3 * count} ({2 * count} augmented, {count} official)" in lines
    assert "index             ready" in lines
    fingerprint = next(line.split()[1] for line in lines if line.startswith("encoder"))
    assert f"gallery           {fingerprint} (no space)" in lines
    assert sum("100%" in line for line in lines) == len({card.split("-")[0] for card in cards.card_ids})


def test_removed_cards_are_gone_and_an_unknown_id_is_an_error(
    binderlens: CommandLine, cards: CardFolder
) -> None:
    binderlens(*cards.import_args)
    first, second, *rest = cards.card_ids
    assert binderlens("gallery", "remove", first).out == "removed 1 cards\n"
    outcome = binderlens("gallery", "remove", second, first)
    assert outcome.out == "removed 1 cards\n"
    assert outcome.error.startswith("no card has the id ")
    assert f"cards             {len(rest)}, {len(rest)} with" in binderlens("gallery", "status").out


def test_a_database_without_tables_says_what_to_run(binderlens: CommandLine, empty_database_url: str) -> None:
    binderlens.setenv(DATABASE_URL=empty_database_url)
    assert binderlens("gallery", "status").error.endswith("run: binderlens migrate")
    assert "0001 first_schema" in binderlens("migrate").out
    assert binderlens("migrate").out.startswith("nothing to apply")
    assert binderlens("gallery", "status").status == 0


def test_a_database_that_is_away_is_one_line(binderlens: CommandLine) -> None:
    binderlens.setenv(DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    assert "cannot be reached" in binderlens("gallery", "status").error
