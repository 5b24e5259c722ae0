"""`python -m studio.cli` is `studio`."""

from studio.cli import main

main()
