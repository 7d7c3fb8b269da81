"""`python -m kinwatch`."""

from kinwatch.cli import main

main()
