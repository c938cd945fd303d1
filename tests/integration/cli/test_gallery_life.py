"""A gallery's life after its import: another encoder, a backup, a restore."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from threading import Thread

import asyncpg
import numpy as np
import pytest

from tests.command_line import CommandLine
from tests.integration.cli.conftest import CardFolder, rows

COUNTS = """
SELECT (SELECT count(*) FROM cards), (SELECT count(*) FROM reference_images), (SELECT count(*) FROM blobs),
       (SELECT count(*) FROM templates), (SELECT count(*) FROM galleries)
"""
#: Everything about the templates of the encoder of that name, but their ids.
TEMPLATES = """
SELECT t.card_id, r.source_sha256, t.view_index, t.source, t.embedding::text
FROM templates t
JOIN galleries g ON g.id = t.gallery_id
JOIN reference_images r ON r.id = t.reference_image_id
WHERE g.encoder_name = $1 ORDER BY 1, 2, 3
"""


def execute(dsn: str, sql: str) -> None:
    rows(dsn, sql)


def test_another_encoder_gets_templates_beside_the_first_and_an_import_finds_them(
    filled: CommandLine,
    cards: CardFolder,
    database_url: str,
) -> None:
    count, first = len(cards.card_ids), rows(database_url, TEMPLATES, "tiny")
    groups = rows(database_url, "SELECT card_id, artwork_group_id FROM cards ORDER BY 1")
    outcome = filled("gallery", "re-embed", "--encoder", "other")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith(f"{count} reference images gave {3 * count} templates of other ")
    assert rows(database_url, TEMPLATES, "tiny") == first
    assert rows(database_url, "SELECT card_id, artwork_group_id FROM cards ORDER BY 1") == groups
    filled.setenv(ENCODER="other")
    assert "index             ready" in filled("gallery", "status").out
    again = filled(*cards.import_args)
    assert again.out.startswith(f"{count} cards: 0 added or changed, {count} as before; 0 images")


def test_templates_from_stored_images_are_nearly_those_of_an_import(
    filled: CommandLine,
    cards: CardFolder,
    database_url: str,
) -> None:
    imported = rows(database_url, TEMPLATES, "tiny")
    execute(database_url, "DELETE FROM templates")
    assert filled("gallery", "re-embed").status == 0
    embedded = rows(database_url, TEMPLATES, "tiny")
    assert [row[:4] for row in embedded] == [row[:4] for row in imported]
    cosines = [np.dot(_vector(one[4]), _vector(two[4])) for one, two in zip(imported, embedded, strict=True)]
    assert min(cosines) > 0.99


def test_re_embedding_goes_on_where_it_stopped(
    filled: CommandLine,
    cards: CardFolder,
    database_url: str,
) -> None:
    filled("gallery", "re-embed", "--encoder", "other")
    whole = rows(database_url, TEMPLATES, "other")
    first, second, *rest = cards.card_ids
    stopped_there = f"card_id = '{first}' OR card_id = '{second}' AND view_index = 2"
    of_other = "gallery_id = (SELECT id FROM galleries WHERE encoder_name = 'other')"
    execute(database_url, f"DELETE FROM templates WHERE {of_other} AND ({stopped_there})")
    outcome = filled("gallery", "re-embed", "--encoder", "other")
    assert outcome.out.startswith("2 reference images gave 6 templates")
    assert f"{len(rest)} had theirs already" in outcome.out
    assert [row[:4] for row in rows(database_url, TEMPLATES, "other")] == [row[:4] for row in whole]


def test_a_stored_picture_that_is_broken_is_named_and_the_rest_is_embedded(
    filled: CommandLine,
    cards: CardFolder,
    database_url: str,
) -> None:
    broken = cards.card_ids[0]
    execute(
        database_url,
        "UPDATE blobs SET data = '\\xffd8ff' FROM reference_images r "
        f"WHERE r.blob_sha256 = blobs.sha256 AND r.card_id = '{broken}'",
    )
    outcome = filled("gallery", "re-embed", "--encoder", "other")
    first, last = outcome.err.splitlines()
    assert outcome.status == 1
    assert first.startswith(f"{broken}: ")
    assert last == "binderlens: 1 stored reference images cannot be decoded; see above"
    assert len(rows(database_url, TEMPLATES, "other")) == 3 * (len(cards.card_ids) - 1)


def test_an_empty_gallery_cannot_be_embedded_again(binderlens: CommandLine) -> None:
    assert "gallery import" in binderlens("gallery", "re-embed").error


def test_a_restored_backup_holds_everything_again(
    filled: CommandLine,
    cards: CardFolder,
    database_url: str,
    tmp_path: Path,
) -> None:
    counts, templates = rows(database_url, COUNTS), rows(database_url, TEMPLATES, "tiny")
    outcome = filled("gallery", "backup", "cards.backup")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("wrote cards.backup: ")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == ["cards.backup"]
    filled("gallery", "remove", *cards.card_ids[1:])
    assert rows(database_url, COUNTS) != counts
    assert "--replace" in filled("gallery", "restore", "cards.backup").error
    assert filled("gallery", "restore", "cards.backup", "--replace").out == (
        f"restored cards.backup: {len(cards.card_ids)} cards\n"
    )
    assert rows(database_url, COUNTS) == counts
    assert rows(database_url, TEMPLATES, "tiny") == templates
    status = filled("gallery", "status").out
    assert "index             ready" in status
    assert filled(*cards.import_args).out.startswith(f"{len(cards.card_ids)} cards: 0 added or changed")


def test_a_backup_is_restored_through_a_pipe(
    filled: CommandLine, cards: CardFolder, database_url: str, tmp_path: Path
) -> None:
    counts = rows(database_url, COUNTS)
    filled("gallery", "backup", "cards.backup")
    filled("gallery", "remove", *cards.card_ids[1:])
    os.mkfifo(tmp_path / "pipe")
    content = (tmp_path / "cards.backup").read_bytes()
    Thread(target=(tmp_path / "pipe").write_bytes, args=(content,), daemon=True).start()
    outcome = filled("gallery", "restore", "pipe", "--replace")
    assert outcome.out == f"restored pipe: {len(cards.card_ids)} cards\n"
    assert rows(database_url, COUNTS) == counts


def test_a_backup_fills_a_database_without_tables(
    filled: CommandLine,
    cards: CardFolder,
    empty_database_url: str,
) -> None:
    filled("gallery", "backup", "cards.backup")
    filled.setenv(DATABASE_URL=empty_database_url)
    assert "no tables yet" in filled("gallery", "backup", "empty.backup").error
    assert filled("gallery", "restore", "cards.backup").status == 0
    assert f"cards             {len(cards.card_ids)}" in filled("gallery", "status").out


def test_what_is_no_backup_is_refused_and_changes_nothing(
    filled: CommandLine,
    cards: CardFolder,
    database_url: str,
    tmp_path: Path,
) -> None:
    counts = rows(database_url, COUNTS)
    filled("gallery", "backup", "cards.backup")
    whole = (tmp_path / "cards.backup").read_bytes()
    (tmp_path / "cut.backup").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.backup").write_text("no backup")
    for name in ("text.backup", "missing.backup"):
        assert name in filled("gallery", "restore", name, "--replace").error
    assert "end of file" in filled("gallery", "restore", "cut.backup", "--replace").error
    assert rows(database_url, COUNTS) == counts


def test_a_backup_that_fails_leaves_the_older_file_alone(
    filled: CommandLine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cards.backup").write_text("older")
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "pg_dump"
    tool.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) 99.0"; exit; fi\n'
        'echo half a backup > "${5}"; echo disk full >&2; exit 1\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    assert filled("gallery", "backup", "cards.backup").error == "pg_dump failed: disk full"
    assert (tmp_path / "cards.backup").read_text() == "older"
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []
    assert "cannot write" in filled("gallery", "backup", "nowhere/cards.backup").error


def test_a_backup_takes_the_place_of_no_device_and_no_link(filled: CommandLine, tmp_path: Path) -> None:
    pipe, link, other = tmp_path / "pipe", tmp_path / "link", tmp_path / "other"
    os.mkfifo(pipe)
    other.write_text("somebody else's")
    link.symlink_to(other)
    for target in (pipe, link):
        assert "no regular file" in filled("gallery", "backup", target).error
    assert (pipe.is_fifo(), link.is_symlink(), other.read_text()) == (True, True, "somebody else's")


def test_a_database_in_use_is_not_restored(filled: CommandLine, database_url: str) -> None:
    filled("gallery", "backup", "cards.backup")

    async def restore_beside_a_session() -> str:
        connection = await asyncpg.connect(database_url, server_settings={"application_name": "binderlens"})
        try:
            outcome = await asyncio.to_thread(filled, "gallery", "restore", "cards.backup", "--replace")
            return outcome.error
        finally:
            await connection.close()

    assert "stop the service" in asyncio.run(restore_beside_a_session())


def _vector(text: str) -> np.ndarray:
    return np.fromstring(text.strip("[]"), sep=",")
