"""An agent whose node is a tree of files, or the machine that the tests run on."""
from agent_fixtures import *  # noqa: F401,F403  (fixtures are found by their names here)
