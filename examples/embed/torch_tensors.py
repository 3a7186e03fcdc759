"""The kernels on torch tensors: no copies, the plans work in the memory of the tensors.

`tensor.numpy()` is the same memory as a NumPy array, and `torch.from_numpy` as a tensor again.  Plans do not take part
in autograd: detach a tensor that requires gradients.
"""

import numpy as np
import torch

from mlmd import kernels

SHAPE, NORB, SPACING, DT = (16, 16, 18), 8, 0.4, 0.05


def norms_of(psi):
    """Norm of each orbital, summed in double precision."""
    return torch.linalg.vector_norm(psi.reshape(-1, NORB).to(torch.complex128), dim=0)


def main():
    torch.manual_seed(0)
    dv = SPACING**3
    psi = torch.randn(*SHAPE, NORB, dtype=torch.complex64)
    v = torch.rand(SHAPE, dtype=torch.float64)
    before = psi.clone()

    kernels.loc_prop(SHAPE, NORB, DT, "complex64")(psi.numpy(), v.numpy())  # writes into psi
    expected = before * torch.exp(-1j * DT * v).to(psi.dtype)[..., None]
    phase_error = (psi - expected).abs().max().item()

    norms = norms_of(psi)
    kernels.kin_prop(SHAPE, NORB, SPACING, DT, "complex64")(psi.numpy(), A=(0.0, 0.0, 1.0))
    drift = (norms_of(psi) / norms - 1).abs().max().item()

    overlap = kernels.overlap(SHAPE, NORB, NORB, dv, "complex64")
    O = torch.from_numpy(overlap(before.numpy(), psi.numpy()))
    exact = torch.einsum("xyzr,xyzs->rs", before.conj().to(O.dtype), psi.to(O.dtype)) * dv
    overlap_error = ((O - exact).abs().max() / exact.abs().max()).item()

    shared = np.shares_memory(psi.numpy(), np.from_dlpack(psi))
    print(f"phase of v against torch: {phase_error:.1e}; drift of the norms in a kinetic step: {drift:.1e}")
    print(f"overlaps against torch.einsum: {overlap_error:.1e}; same memory through DLPack: {shared}")
    if not (phase_error < 1e-5 and drift < 1e-6 and overlap_error < 1e-5 and shared):
        raise SystemExit("they differ")


if __name__ == "__main__":
    main()
