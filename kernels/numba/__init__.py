"""The kernels as loops compiled by Numba, orbitals innermost; the raw signatures are those of the references."""
