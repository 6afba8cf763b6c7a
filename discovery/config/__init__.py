"""Everything a user may set: read, checked and turned into models before any work is done."""
