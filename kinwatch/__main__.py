"""Start the command `kinwatch`, also as `python -m kinwatch`: first make sure that its packages are ours."""

import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["foreign_package", "leave_working_folder", "run_kinwatch"]

PACKAGES = ("kinwatch", "nerves", "senses", "brain", "actuators")
HERE = Path(__file__).resolve().parent.parent
# Every package of ours has this line in its __init__.py, and nobody else's has.
PROJECT_MARK = '__project__ = "kinwatch"'
WRONG_PACKAGE = 1
INTERRUPTED_STATUS = 130  # 128 + SIGINT, as the shell counts


def run_kinwatch() -> None:
    """Run the command line and end the process with its exit status."""
    leave_working_folder()
    problem = foreign_package()
    if problem:
        sys.stderr.write(f"kinwatch: {problem}\n")
        sys.exit(WRONG_PACKAGE)
    try:
        from kinwatch.cli import main  # noqa: PLC0415 - it imports the packages that were just checked
    except KeyboardInterrupt:  # the imports take a second; later ones are caught by the command
        sys.exit(INTERRUPTED_STATUS)
    main()


def leave_working_folder() -> None:
    """Import nothing from the working folder, where a `brain.py`, `queue.py` or `yaml.py` may lie.

    `python -m` puts that folder first on the path. It stays if kinwatch itself was found there, as in a checkout.
    """
    if not sys.flags.safe_path and sys.path and Path(sys.path[0]).resolve() == Path.cwd() != HERE:
        del sys.path[0]


def foreign_package() -> str | None:
    """Return what to do about a package that has the name of one of ours; None if all five are ours.

    Nothing is imported for it. PyPI has other packages called `senses` and `brain`; installed beside kinwatch, they
    overwrite files of ours.
    """
    for name in PACKAGES:
        spec = find_spec(name)
        origin = Path(spec.origin) if spec and spec.origin else None
        if origin is not None and origin.resolve() != HERE / name / "__init__.py":
            return (
                f"Python finds another {name} before kinwatch's own: rename {origin}, or take its folder off PYTHONPATH"
            )
        if origin is None or PROJECT_MARK not in origin.read_text(encoding="utf-8"):
            return (
                f"another package has replaced kinwatch's own {name} in {HERE}: "
                f"pip uninstall {name}; pip install --force-reinstall --no-deps kinwatch"
            )
    return None


if __name__ == "__main__":
    run_kinwatch()
