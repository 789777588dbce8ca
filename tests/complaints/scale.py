"""The same tests in seconds for script/test, and with large counts for script/torture."""
import os
import time

TORTURE = "HINOMI_TORTURE" in os.environ
SEED = int(os.environ.get("HINOMI_SEED", time.time_ns() % 10**6))


def scale(small, large):
    return large if TORTURE else small
