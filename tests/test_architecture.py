"""The house as DESIGN draws it: what may import what, how long a file may be, what is explained."""

import ast
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "probe").rglob("*.py"))
NAMES = [path.relative_to(ROOT).as_posix() for path in FILES]
LONGEST = 300  # lines
HEAVY = {"apscheduler", "cryptography", "dns", "httpx", "msgspec", "pydantic", "rich"}

# Runs the program with these arguments and tells which top-level packages that has imported.
IMPORTED = """
import contextlib, io, sys
from probe.cli.main import main
with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
    main(sys.argv[1:])
assert "usage: probe" in said.getvalue()
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""

# Imports every module named on its command line.
IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def python(code, *arguments):
    """What a Python of its own prints; its own errors fail the test."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_imports_go_the_way_the_contracts_say():
    # By its function, not its script: that is found in any environment.
    lint = "import sys; from importlinter.cli import lint_imports as lint; "
    told = python(lint + "sys.exit(lint(no_cache=True))")
    assert told.count("KEPT") == len(contracts()) >= 5


def contracts():
    """The import contracts that the project declares."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return declared["tool"]["importlinter"]["contracts"]


def test_every_package_has_its_floor():
    (layers,) = [c["layers"] for c in contracts() if c["type"] == "layers"]
    placed = {name.strip() for layer in layers for name in layer.split("|")}
    packages = {module_name(path) for path in FILES if path.name == "__init__.py"}
    # A package within a package stands on its floor.
    assert placed == {name for name in packages if name.count(".") == 1}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_module_can_be_read_in_one_sitting(path):
    assert len(path.read_text().splitlines()) <= LONGEST


def unexplained(tree):
    """The public definitions without a docstring: the module's, its classes', their methods'."""
    if not ast.get_docstring(tree):
        yield "the module"
    pending = [("", node) for node in tree.body]
    while pending:
        prefix, node = pending.pop()
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield f"{prefix}{node.name}"
        if isinstance(node, ast.ClassDef):
            pending += [(f"{prefix}{node.name}.", inner) for inner in node.body]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_everything_public_is_explained(path):
    assert list(unexplained(ast.parse(path.read_text()))) == []


def test_what_is_not_explained_is_found():
    source = '"""M."""\nclass A:\n "a"\n def b(self): ...\n def _c(self): ...\nasync def d(): ...\n'
    assert sorted(unexplained(ast.parse(source))) == ["A.b", "d"]


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


WIRE = sorted((ROOT / "probe" / "wire").rglob("*.py"))


@pytest.mark.parametrize("path", WIRE, ids=[path.stem for path in WIRE])
def test_a_codec_does_no_input_or_output(path):
    roots = {name.partition(".")[0] for name in imported(ast.parse(path.read_text()))}
    assert not roots & {"asyncio", "socket", "ssl", "select", "selectors", "threading"}


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["run", "--help"]])
def test_help_answers_without_anything_heavy(arguments):
    assert not set(python(IMPORTED, *arguments).split()) & HEAVY


def needed_at_once(tree, known):
    """The known modules that a module imports while it is itself imported: not what stands in a
    function, nor what only the type checker reads. A module's own packages come before it anyway.
    """
    pending = list(tree.body)
    while pending:
        node = pending.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                pending += node.orelse
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                parts = {f"{node.module}.{alias.name}" for alias in node.names}
                yield from parts & known or {node.module}
            case _:
                pending += [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]


def order_of(sources):
    """An order in which modules can be imported, each after what it needs; CycleError if none."""
    known = sources.keys()
    needs = {name: set(needed_at_once(ast.parse(s), known)) & known for name, s in sources.items()}
    return TopologicalSorter(needs).static_order()


def test_no_module_needs_itself_so_that_each_can_be_imported_first():
    sources = {module_name(path): path.read_text() for path in FILES}
    assert len(list(order_of(sources))) == len(FILES)


def test_a_circle_of_imports_is_found():
    lazy = "if TYPE_CHECKING:\n import probe.a\ndef f():\n import probe.a\n"
    assert list(order_of({"probe.a": "import probe.b", "probe.b": lazy})) == ["probe.b", "probe.a"]
    tried = "try:\n import probe.a\nfinally: 0"
    with pytest.raises(CycleError):
        list(order_of({"probe.a": "from probe import b", "probe.b": tried}))


def test_every_module_can_be_imported():
    # __main__ runs the program when it is imported.
    names = [module_name(path) for path in FILES if path.name != "__main__.py"]
    assert python(IMPORT_ALL, *names) == ""
