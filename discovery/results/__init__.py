"""What a discovery found, and how sure it is: scores, effects, members, intervals."""
