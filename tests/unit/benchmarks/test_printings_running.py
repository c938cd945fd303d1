"""Each variant is measured on the gallery that it asks for, and the command refuses what it does not know."""

from __future__ import annotations

import pytest

from app.inference.catalogue import resolve_encoder
from app.inference.manifest import read_manifest
from benchmarks.printings import __main__ as command
from benchmarks.printings.running import settings_for


def test_a_gallery_with_a_space_of_its_own_lies_apart_and_uses_the_same_encoder(tmp_path) -> None:
    served, whitened = settings_for(tmp_path, None), settings_for(tmp_path, 0.2)
    assert served.data_dir != whitened.data_dir
    folders = [resolve_encoder(one.models_dir, one.encoder) for one in (served, whitened)]
    ours, changed = (read_manifest(folder) for folder in folders)
    assert changed.whitening_exponent == 0.2
    assert ours == changed.model_copy(update={"whitening_exponent": ours.whitening_exponent})


@pytest.mark.parametrize(
    "arguments",
    [["--levels", "easy,absurd"], ["--ablation", "as served,absurd"], ["--known", "0"], ["--absent", "-1"]],
)
def test_the_command_refuses_what_it_does_not_know(arguments, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert "absurd" in capsys.readouterr().err or arguments[0] in ("--known", "--absent")


def test_a_folder_without_manifests_ends_the_command_with_a_message(tmp_path, capsys) -> None:
    assert command.main(["--galleries", str(tmp_path), "--keep", str(tmp_path)]) == 1
    assert "no CSV manifest" in capsys.readouterr().err
