"""Expressions of clips: frames gathered into sequences, aggregated and scored."""
