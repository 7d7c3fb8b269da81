"""The model store: which folders are searched, and when a file's hash is computed again."""

import hashlib
import os
from pathlib import Path

import pytest

from nerves.model_store import Version, has_version, model_folders, sha256_of


def test_the_folder_from_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KINWATCH_MODELS", raising=False)
    assert model_folders(tmp_path) == (tmp_path / "models",)
    monkeypatch.setenv("KINWATCH_MODELS", "/somewhere")
    assert model_folders(tmp_path) == (Path("/somewhere"), tmp_path / "models")


def test_a_changed_file_of_the_same_size_is_hashed_again(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"one")
    first = sha256_of(path)
    assert first == hashlib.sha256(b"one").hexdigest()
    path.write_bytes(b"two")
    os.utime(path, ns=(0, 1))
    assert sha256_of(path) == hashlib.sha256(b"two").hexdigest()
    assert not has_version(path, [Version(first, 3)])
