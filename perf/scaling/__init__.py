"""How a calculation scales: measured on this machine, projected to others, beside published points.

The application describes its work as `series.Series`; nothing of it is imported here.
"""
