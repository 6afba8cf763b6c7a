"""From files to the three tables of a study: reading, filtering, splitting, remembering."""
