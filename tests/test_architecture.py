"""The shape of the whole: who imports whom, what loads torch, what is public."""

import ast
import importlib
import inspect
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ARROWS = {
    "sciren": set(),
    "symbolic": {"sciren"},
    "visualize": {"sciren", "symbolic"},
    "discovery": {"sciren", "symbolic", "visualize"},
    "case_studies": {"sciren", "symbolic", "visualize", "discovery"},
    "benchmarks": {"sciren", "symbolic", "visualize", "discovery"},
}
LIBRARIES = ("sciren", "symbolic", "visualize", "discovery")
OURS = {*ARROWS, "tests"}
# only these look inside a trained model; the rest of `symbolic` is the mathematics of
# formulas, tested without a network: of sciren it takes only the errors
KNOW_MODELS = {
    "symbolic.dynamics.closed",
    "symbolic.dynamics.closed.forms",
    "symbolic.dynamics.closed.model",
    "symbolic",
    "symbolic.search.competition",
    "symbolic.curves.edge_errors",
    "symbolic.search.forecast",
    "symbolic.search.held_out",
    "symbolic.search.inside_bands",
    "symbolic.curves.factor_curves",
    "symbolic.curves.learned_curves",
    "symbolic.curves.extract",
    "symbolic.dynamics.state_closed_forms",
    "symbolic.search.path",
    "symbolic.search.problem",
    "symbolic.pipeline",
    "symbolic.search.refit",
    "symbolic.search.residual_gate",
    "symbolic.terms.sandwich",
    "symbolic.search.climb",
    "symbolic.expression.torch_evaluate",
    "symbolic.model.assembly",
    "symbolic.model.torch_module",
    "symbolic.search.observations",
    "symbolic.verification",
}
# extraction, refit, verification and the torch module of a formula, each with the file
# that does its linear algebra; other files take tensors as they come
TORCH_AT_THE_TOP = {
    "symbolic.curves.edge_errors",
    "symbolic.curves.extract",
    "symbolic.dynamics.closed.forms",
    "symbolic.expression.torch_evaluate",
    "symbolic.model.torch_module",
    "symbolic.search.held_out",
    "symbolic.search.problem",
    "symbolic.search.refit",
    "symbolic.terms.sandwich",
    "symbolic.verification",
}

# Parts of our core that load no torch and know no model.
WITHOUT_TORCH = {
    "sciren._lazy",
    "sciren.agreement",
    "sciren.bounded",
    "sciren.edge_columns",
    "sciren.config_errors",
    "sciren.data.conversion",
    "sciren.data.kinds",
    "sciren.dynamics.solving.integrators",
    "sciren.errors",
    "sciren.inference.conformal",
    "sciren.inference.dictionary",
    "sciren.inference.intervals.quantiles",
    "sciren.inference.relationship",
    "sciren.solvers.spans",
}


def modules(*packages: str) -> list[Path]:
    return [path for name in packages for path in sorted((ROOT / name).rglob("*.py"))]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield (line, module, imported name or "") of every import, however deep."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, module, alias.name) for alias in node.names)


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def modules_after(code: str) -> set[str]:
    """Return the modules that a fresh interpreter holds after running the code."""
    report = "import json, sys; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("package", ARROWS)
def test_imports_follow_the_arrows(package):
    allowed = ARROWS[package] | {package}
    for path in modules(package):
        for line, module, _ in imports(path):
            top = module.split(".")[0]
            assert not module.startswith("."), f"{place(path, line)}: relative import"
            assert top not in OURS or top in allowed, (
                f"{place(path, line)} imports {module}; "
                f"{package} may import {sorted(ARROWS[package]) or 'nothing of ours'}"
            )


def test_the_mathematics_of_formulas_needs_neither_a_network_nor_our_core():
    for path in modules("symbolic"):
        if module_name(path) in KNOW_MODELS:
            continue
        for line, module, _ in imports(path):
            assert module.split(".")[0] != "torch", f"{place(path, line)} imports torch"
            ours = module.split(".")[0] == "sciren"
            assert not ours or module in WITHOUT_TORCH, (
                f"{place(path, line)} imports {module}; allowed are "
                f"{', '.join(sorted(WITHOUT_TORCH))}"
            )


def test_torch_stands_at_the_top_of_few_files_of_symbolic_and_discovery():
    with_torch = set()
    for path in modules("symbolic", "discovery"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in getattr(node, "names", ())]
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
            if isinstance(node, ast.Import | ast.ImportFrom) and any(
                name.split(".")[0] == "torch" for name in names
            ):
                with_torch.add(module_name(path))
    assert with_torch == TORCH_AT_THE_TOP


@pytest.mark.parametrize("package", LIBRARIES)
def test_no_module_imports_itself_through_others(package):
    graph = import_graph(package)
    for start in graph:
        way = way_back(graph, start)
        assert not way, f"imports in a circle: {' -> '.join(way)}"


def import_graph(package: str) -> dict[str, set[str]]:
    """Return module -> modules of the same package that it names, however deep."""
    files = {
        module_name(path): path
        for path in modules(package)
        if path.name != "__init__.py"
    }
    graph = {}
    for module, path in files.items():
        named = {
            name
            for _, source, name_in in imports(path)
            for name in (source, f"{source}.{name_in}")
        }
        graph[module] = named & set(files) - {module}
    return graph


def way_back(graph: dict[str, set[str]], start: str) -> list[str]:
    """Return the shortest chain of imports from a module to itself, or nothing."""
    chains, seen = [[start]], {start}
    while chains:
        chain = chains.pop(0)
        for after in sorted(graph[chain[-1]]):
            if after == start:
                return [*chain, start]
            if after not in seen:
                seen.add(after)
                chains.append([*chain, after])
    return []


@pytest.mark.parametrize("package", ["symbolic", "discovery"])
def test_few_files_stand_at_the_top(package):
    top = [path for path in modules(package) if path.parent == ROOT / package]
    assert len(top) <= 8, [path.name for path in top]


@pytest.mark.parametrize("package", LIBRARIES)
def test_no_folder_holds_more_than_twenty_files(package):
    folders: dict[Path, int] = {}
    for path in modules(package):
        if path.name != "__init__.py":
            folders[path.parent] = folders.get(path.parent, 0) + 1
    crowded = {str(path.relative_to(ROOT)): n for path, n in folders.items() if n > 20}
    assert not crowded


def test_case_studies_use_public_names_only():
    for path in modules("case_studies"):
        for line, module, name in imports(path):
            if module.split(".")[0] not in LIBRARIES:
                continue
            package = ROOT.joinpath(*module.split("."), "__init__.py")
            assert package.exists(), (
                f"{place(path, line)} imports from the module {module}; "
                "take the name from its package"
            )
            public = importlib.import_module(module).__all__ if name else [name]
            assert name in public, f"{place(path, line)}: {module}.{name} is not public"


LIGHT = [
    *LIBRARIES,
    *sorted(WITHOUT_TORCH),
    "sciren.parameters",
    "sciren.functions",
    "sciren.processes",
    "discovery.shelf.listing",
    "discovery.config.settings",
    "symbolic.options",
]
FIRST_WITH_TORCH = """
import importlib, sys
for module in {modules}:
    importlib.import_module(module)
    if "torch" in sys.modules:
        raise SystemExit(module + " loads torch")
"""


def test_packages_errors_parameters_and_settings_load_no_torch():
    assert "torch" not in modules_after(FIRST_WITH_TORCH.format(modules=LIGHT))


HELP = """
import sys
from discovery.cli import main
sys.argv = ["sciren", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def test_the_help_of_the_command_loads_no_torch_and_takes_less_than_a_second():
    seconds = []
    for _ in range(2):  # the first start may still have to compile the files
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        loaded = modules_after(HELP)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # processor time, because the other tests keep this machine busy
        seconds.append(
            after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        )
    assert not loaded & {"torch", "pandas", "sympy", "matplotlib"}
    assert min(seconds) < 1.0


def packages() -> list[str]:
    return [
        module_name(path) for path in modules(*LIBRARIES) if path.name == "__init__.py"
    ]


@pytest.mark.parametrize("package", packages())
def test_every_public_name_exists_and_says_what_it_is(package):
    module = importlib.import_module(package)
    for name in getattr(module, "__all__", []):
        thing = getattr(module, name)
        documented = inspect.isclass(thing) or inspect.isfunction(thing)
        assert not documented or thing.__doc__, f"{package}.{name}: no docstring"


@pytest.mark.parametrize("package", packages())
def test_no_public_name_is_hidden_by_a_module_of_the_same_name(package):
    module = importlib.import_module(package)
    folder = ROOT.joinpath(*package.split("."))
    inside = {path.stem for path in folder.iterdir() if not path.name.startswith("_")}
    assert not inside & set(getattr(module, "__all__", []))


@pytest.mark.parametrize("package", LIBRARIES)
def test_a_name_that_is_not_public_is_an_attribute_error(package):
    module = importlib.import_module(package)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute"):
        _ = module.no_such_name
