"""The wheel holds the whole program: also what is not Python."""

import subprocess
import sys
import zipfile

from support.command import PROJECT


def test_everything_that_the_program_reads_of_itself_is_in_the_wheel(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    there = {
        str(path.relative_to(PROJECT))
        for path in (PROJECT / "probe").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert "probe/serve/static/page.css" in there
    assert there - held == set()
    assert [name for name in held if name.startswith("probe/") and "services/whatsapp" in name]
