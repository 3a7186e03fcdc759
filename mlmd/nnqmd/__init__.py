"""Neural-network quantum molecular dynamics: data of several fidelities, models, dynamics.

Units are those of ASE: eV, Angstrom.
"""
