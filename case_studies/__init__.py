"""Studies that use public names only; nothing imports from here."""
