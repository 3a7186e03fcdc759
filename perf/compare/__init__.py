"""The regression gate ``mlmd perf compare``: whether HEAD is slower than BASE, proven or not.

``builds`` finds or makes the two builds, ``launches`` starts a worker process that loads both (``sides``) and times
them in pairs (``worker``, ``cases``), ``intervals`` and ``verdict`` say what the times prove, ``gate`` decides how
long to go on.
"""
