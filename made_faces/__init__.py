"""Made faces: expressive heads drawn on this machine, in the layouts of RAF-DB and CK+."""
