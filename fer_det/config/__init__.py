"""One dataclass for each command and each model; flags, YAML and --help come from them."""
