"""The same as `fer-det compose`; see --help."""

from _environment import run_tool

if __name__ == "__main__":
    run_tool("compose")
