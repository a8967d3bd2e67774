"""probe.core.shipped: the files that come with the program, beside the source or in the wheel."""

from probe.core import shipped as module
from probe.core.shipped import shipped


def test_the_shipped_folders_are_found() -> None:
    assert shipped("services").is_dir()
    assert shipped("services", "whatsapp.yaml").is_file()


def test_the_wheels_own_copy_comes_first(tmp_path, monkeypatch) -> None:
    package = tmp_path / "probe"
    (package / "configs").mkdir(parents=True)
    monkeypatch.setattr(module, "_PACKAGE", package)
    assert shipped("services") == package / "configs" / "services"
    (package / "configs").rmdir()
    assert shipped("services") == tmp_path / "configs" / "services"
