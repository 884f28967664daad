"""``python -m nbflow``."""

from nbflow.cli import main

if __name__ == "__main__":
    main()
