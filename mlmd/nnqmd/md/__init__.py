"""Molecular dynamics with networks: atoms shared out among ranks, networks evaluated in blocks of bounded memory.

A model is strictly local: the energy of an atom depends on its neighbours within the cutoff and on nothing else. So a
rank that knows the atoms of its brick and those one cutoff around it (ghosts) has all it takes for the energies of its
own atoms; the forces that these exert on ghosts go back to their owners. Units are those of ASE: eV, Angstrom, u, and
the time that follows from them.
"""
