"""What is computed: one file for each operator, with its plan and its plain NumPy reference.

    plan = mlmd.kernels.kin_prop(shape=(70, 70, 72), norb=64, spacing=h, dt=0.04, dtype="complex64")
    plan(psi, A=(0, 0, 0.01))

A plan is made once for a problem and called in the inner loop.  Arrays are ``psi[ix, iy, iz, orbital]``,
C-contiguous; atomic units throughout.
"""

from __future__ import annotations

if __name__ != "mlmd.kernels":
    raise ImportError("import mlmd.kernels, not kernels: this folder is a part of the package mlmd")

from .current import Current, Measure
from .current import Current as current
from .dense import Dense
from .dense import Dense as dense
from .density import Density
from .density import Density as density
from .edge_coupling import EdgeCoupling
from .edge_coupling import EdgeCoupling as edge_coupling
from .edge_product import EdgeProduct
from .edge_product import EdgeProduct as edge_product
from .edge_sum import EdgeSum
from .edge_sum import EdgeSum as edge_sum
from .hartree import Hartree
from .hartree import Hartree as hartree
from .kin_prop import KinProp
from .kin_prop import KinProp as kin_prop
from .loc_prop import LocProp
from .loc_prop import LocProp as loc_prop
from .memory import zeros
from .nlp_prop import NlpProp
from .nlp_prop import NlpProp as nlp_prop
from .overlap import Overlap
from .overlap import Overlap as overlap

__all__ = [
    "Current",
    "Dense",
    "Density",
    "EdgeCoupling",
    "EdgeProduct",
    "EdgeSum",
    "Hartree",
    "KinProp",
    "LocProp",
    "Measure",
    "NlpProp",
    "Overlap",
    "current",
    "dense",
    "density",
    "edge_coupling",
    "edge_product",
    "edge_sum",
    "hartree",
    "kin_prop",
    "loc_prop",
    "nlp_prop",
    "overlap",
    "zeros",
]
