"""What faces do: action units, and the sets of them that show an expression."""
