"""The shelf of process models as text: the list, one model in full, and the page of docs."""
