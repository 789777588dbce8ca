"""How the benchmarks end: their page of results, and an exit code that tells whether a target is missed."""
import subprocess
import sys
import time


def written(directory, name, text, missed):
    """The exit code of a run whose results are `text`."""
    path = directory / time.strftime(f"%Y-%m-%d-{name}.md")
    path.write_text(text)
    print(f"written: {path}; {missed} targets missed", file=sys.stderr)
    return 1 if missed else 0


def run(main):
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (AssertionError, RuntimeError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"cannot measure: {error}")
