"""`python -m studio`: the command line, where the `studio` command is not on the path."""

from studio.cli import main

if __name__ == "__main__":
    main()
