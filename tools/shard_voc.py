"""The same as `fer-det shard`; see --help."""

from _environment import run_tool

if __name__ == "__main__":
    run_tool("shard")
