"""Photo-switching of polar textures: structures, polarisation, topology, pictures.

Units are those of ASE (eV, Angstrom, fs); polarisation is in C/m^2.
"""
