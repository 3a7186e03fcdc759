"""DC-MESH: electrons, light and nuclei of one cell."""
