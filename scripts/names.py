#!/usr/bin/env python3
"""Check the names of the five packages: one meaning each.

    python scripts/names.py

A class name stands once, so does the name of a public function, and a constant that stands in two modules has one
value. The name of a number says of what it is (two words or more, the unit last: `FLUSH_S`, `MIN_FACE_WIDTH`), and
verbs that meant several things are not used. `docs/inside.md` has the glossary.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("nerves", "senses", "brain", "actuators", "kinwatch")
# The contract of senses and actuators: every module of one kind has such a function.
CONTRACT = frozenset({"act", "watch"})
# Each of these once meant up to five things: publish, print, learn, log, store.
VAGUE = frozenset({"hear", "heed", "keep", "kept", "note", "said", "say", "tell", "told", "worth"})


def main() -> int:
    """Print what is wrong, a line each; 1 if anything is."""
    modules = {
        file: ast.parse(file.read_text(encoding="utf-8"))
        for package in PACKAGES
        for file in sorted(Path(package).rglob("*.py"))
    }
    faults = [*twice("class", classes(modules)), *twice("function", functions(modules)), *vague(modules)]
    faults += [*constants(modules)]
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    return bool(faults)


def classes(modules: dict[Path, ast.Module]) -> dict[str, list[str]]:
    """Return where each class name is defined."""
    return places(
        (node.name, file, node)
        for file, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    )


def functions(modules: dict[Path, ast.Module]) -> dict[str, list[str]]:
    """Return where each public function of a module is defined."""
    return places(
        (node.name, file, node)
        for file, tree in modules.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.name not in CONTRACT
    )


def places(found: Iterator[tuple[str, Path, ast.stmt]]) -> dict[str, list[str]]:
    """Group definitions by name."""
    grouped: dict[str, list[str]] = defaultdict(list)
    for name, file, node in found:
        grouped[name].append(f"{file}:{node.lineno}")
    return grouped


def twice(what: str, where: dict[str, list[str]]) -> Iterator[str]:
    """Yield the names that stand more than once."""
    for name, files in sorted(where.items()):
        if len(files) > 1:
            yield f"{what} {name} stands {len(files)} times: {', '.join(files)}"


def vague(modules: dict[Path, ast.Module]) -> Iterator[str]:
    """Yield the functions and methods that are called by a verb with several meanings."""
    for file, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.strip("_") in VAGUE:
                yield f"{file}:{node.lineno}: {node.name}() can mean several things: publish, print, log, store ...?"


def constants(modules: dict[Path, ast.Module]) -> Iterator[str]:
    """Yield the numbers whose name is one word, and the names that stand for two values."""
    values: dict[str, dict[str, str]] = defaultdict(dict)
    for file, tree in modules.items():
        for name, value in assigned(tree):
            if is_number(value) and "_" not in name.strip("_"):
                yield f"{file}:{value.lineno}: {name}: say of what it is, and the unit"
            values[name].setdefault(ast.unparse(value), f"{file}:{value.lineno}")
    for name, found in sorted(values.items()):
        if len(found) > 1:
            yield f"constant {name} has {len(found)} values: {', '.join(found.values())}"


def assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the constants of a module, those of `A, B = 1, 2` one by one."""
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        for target in targets:
            pairs = zip(target.elts, value.elts, strict=True) if is_pair(target, value) else [(target, value)]
            yield from (
                (one.id, each) for one, each in pairs if isinstance(one, ast.Name) and one.id.isupper() and each
            )


def is_pair(target: ast.expr, value: ast.expr | None) -> bool:
    """Whether several names are given values at once."""
    return isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)


def is_number(value: ast.expr) -> bool:
    """Whether a value is a number, a duration, or a tuple of numbers."""
    if isinstance(value, ast.Tuple):
        return bool(value.elts) and all(is_number(each) for each in value.elts)
    if isinstance(value, ast.UnaryOp):
        return is_number(value.operand)
    if isinstance(value, ast.BinOp):
        return is_number(value.left) and is_number(value.right)
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id == "timedelta"
    return isinstance(value, ast.Constant) and type(value.value) in (int, float)


if __name__ == "__main__":
    sys.exit(main())
