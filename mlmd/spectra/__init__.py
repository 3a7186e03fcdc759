"""Spectra of finished runs: absorption, dielectric function, conductivity, from the motion after a kick or a pulse."""
