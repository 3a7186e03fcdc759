"""``mlmd domains``: how far, and how costly, a calculation cut into domains is."""
