"""The line inspector: `python run_inspector.py --help`."""

from inspector.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
