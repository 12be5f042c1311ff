"""Who shows what, and the folders of RAF-DB and CK+ that it is written to."""
