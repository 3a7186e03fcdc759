"""``mlmd scaling``: what is measured here, and what DC-MESH does and sends on any number of ranks."""
