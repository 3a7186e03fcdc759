"""Accelerated Allegro models against those of nequip-allegro: energies, forces, stress, gradients of training."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from ase import Atoms

torch = pytest.importorskip("torch", reason="needs torch: pip install 'mlmd[nn]'")
pytest.importorskip("allegro", reason="needs nequip-allegro: pip install 'mlmd[nn]'")

from allegro.model import AllegroModel  # noqa: E402
from nequip.data import AtomicDataDict, from_ase  # noqa: E402
from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform  # noqa: E402
from nequip.utils.global_state import set_global_state  # noqa: E402

from mlmd.errors import ArrayError, MlmdError  # noqa: E402
from mlmd.kernels import EdgeProduct  # noqa: E402
from mlmd.nnqmd.allegro import accelerate  # noqa: E402
from mlmd.nnqmd.allegro.accelerate import COUNTERPARTS, qualified_name  # noqa: E402
from mlmd.nnqmd.allegro.forms import Form  # noqa: E402
from mlmd.nnqmd.allegro.layers import Layers  # noqa: E402
from mlmd.nnqmd.allegro.perceptron import Perceptron, dense  # noqa: E402
from mlmd.nnqmd.allegro.pool import Pool  # noqa: E402

TYPES = ["Pb", "Ti", "O"]
CUTOFF = 4.0  # Angstrom
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
Data = dict[str, Any]


def random_model(dtype: str = "float64", **options: Any) -> torch.nn.Module:
    set_global_state(allow_tf32=False)
    sizes = {"l_max": 2, "num_layers": 2, "num_scalar_features": 16, "num_tensor_features": 8}
    return AllegroModel(
        seed=3,
        model_dtype=dtype,
        r_max=CUTOFF,
        type_names=TYPES,
        **{
            "radial_chemical_embed": {"_target_": "allegro.nn.TwoBodyBesselScalarEmbed", "num_bessels": 4},
            "scalar_embed_mlp_hidden_layers_width": 16,
            "allegro_mlp_hidden_layers_width": 16,
            "avg_num_neighbors": 20.0,
        }
        | sizes
        | options,
    )


def perovskite(cells: int = 1, seed: int = 0) -> Atoms:
    sites = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    atoms = Atoms(["Pb", "Ti", "O", "O", "O"], scaled_positions=sites, cell=[3.9, 3.9, 4.1], pbc=True).repeat(
        (cells, 1, 2)
    )
    atoms.rattle(0.1, seed=seed)
    return atoms


def graph(atoms: Atoms) -> Data:
    data = ChemicalSpeciesToAtomTypeMapper(model_type_names=TYPES)(from_ase(atoms))
    return NeighborListTransform(r_max=CUTOFF)(data)


def results(model: torch.nn.Module, data: Data) -> list[torch.Tensor]:
    """Energies, forces, stress, and the gradients of a loss in them in all parameters: second derivatives."""
    out = model(dict(data))
    first = [out[key] for key in ("total_energy", "atomic_energy", "forces", "stress")]
    weights = torch.linspace(-1, 1, first[2].numel(), dtype=first[2].dtype).view_as(first[2])
    loss = sum((values**2).sum() for values in (first[0], weights * first[2], first[3]))
    return [*first, *torch.autograd.grad(loss, list(model.parameters()))]


def assert_equal(got: list[torch.Tensor], expected: list[torch.Tensor], tolerance: float) -> None:
    assert len(got) == len(expected) > 8
    for a, b in zip(got, expected, strict=True):
        assert torch.max(torch.abs(a - b)) <= tolerance * torch.max(torch.abs(b)), (a, b)


def compare(model: torch.nn.Module, data: Data, tolerance: float) -> None:
    ours = accelerate(copy.deepcopy(model))
    assert_equal(results(ours.train(), data), results(model.train(), data), tolerance)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize(("l_max", "layers"), [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2)])
def test_up_to_second_derivatives(dtype: str, l_max: int, layers: int) -> None:
    compare(random_model(dtype, l_max=l_max, num_layers=layers), graph(perovskite()), TOLERANCE[dtype])


VARIANTS: dict[str, dict[str, Any]] = {
    "three layers": {"num_layers": 3},
    "no odd parity": {"parity": False},
    "paths without channels": {"tp_path_channel_coupling": False},
    "one weight for all irreps": {"weight_individual_irreps": False},
    "neighbours by type": {"avg_num_neighbors": {"Pb": 20.0, "Ti": 12.0, "O": 16.0}},
    "cutoffs by type": {"per_edge_type_cutoff": {"Pb": 4.0, "Ti": 3.0, "O": {"Pb": 4.0, "Ti": 2.5, "O": 3.5}}},
    "splines": {
        "radial_chemical_embed": {"_target_": "allegro.nn.TwoBodySplineScalarEmbed", "num_splines": 6, "spline_span": 4}
    },
    "mish": {"allegro_mlp_nonlinearity": "mish", "readout_mlp_nonlinearity": "gelu"},
    "deep": {"allegro_mlp_hidden_layers_depth": 3, "readout_mlp_hidden_layers_depth": 0},
    "deep and linear": {"allegro_mlp_hidden_layers_depth": 2, "allegro_mlp_nonlinearity": None},
    "odd channels": {"num_tensor_features": 5, "num_scalar_features": 14},
    "ZBL": {
        "pair_potential": {"_target_": "nequip.nn.pair_potential.ZBL", "units": "metal", "chemical_species": TYPES}
    },
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_of_the_model(variant: str) -> None:
    compare(random_model(**VARIANTS[variant]), graph(perovskite()), TOLERANCE["float64"])


def test_edges_out_of_order_and_atoms_without_any() -> None:
    atoms = perovskite() + Atoms("Pb", positions=[(0, 0, 100)])
    atoms.set_pbc((True, True, False))
    data = graph(atoms)
    order = torch.randperm(data["edge_index"].shape[1], generator=torch.Generator().manual_seed(1))
    data["edge_index"] = data["edge_index"][:, order]
    data["edge_cell_shift"] = data["edge_cell_shift"][order]
    model = random_model()
    ours = accelerate(copy.deepcopy(model))
    got, expected = ours(dict(data)), model(dict(data))
    assert torch.allclose(got["forces"], expected["forces"], rtol=0, atol=1e-12)
    assert torch.allclose(got["atomic_energy"], expected["atomic_energy"], rtol=0, atol=1e-12)


def test_a_structure_without_edges() -> None:
    data = graph(Atoms("PbTi", positions=[(0, 0, 0), (50, 0, 0)], cell=[100, 100, 100], pbc=True))
    assert data["edge_index"].shape[1] == 0
    out = accelerate(random_model())(dict(data))
    assert torch.all(out["forces"] == 0)
    assert torch.all(out["total_energy"] == 0)


def test_a_batch_of_frames() -> None:
    data = AtomicDataDict.batched_from_list([graph(perovskite(seed=seed)) for seed in (0, 1)])
    compare(random_model(), data, TOLERANCE["float64"])


def test_a_step_of_training_and_its_checkpoint() -> None:
    """The same parameters by name; an optimiser made before goes on; states are exchanged in both directions."""
    data, plain = graph(perovskite()), random_model()
    ours = copy.deepcopy(plain)
    for model, change in ((plain, False), (ours, True)):
        optimiser = torch.optim.SGD(model.parameters(), 1e-3)
        for _ in range(2):
            if change:
                accelerate(model)
            optimiser.zero_grad()
            model.train()(dict(data))["forces"].square().sum().backward()
            optimiser.step()
    one, two = plain.state_dict(), ours.state_dict()
    assert list(one) == list(two)
    assert all(torch.allclose(one[key], two[key], rtol=0, atol=1e-10) for key in one)
    plain.load_state_dict(pickle.loads(pickle.dumps(two)))


def test_acceleration_replaces_each_module_once() -> None:
    model = accelerate(accelerate(random_model()))
    kinds = [type(module) for module in model.modules() if isinstance(module, tuple(COUNTERPARTS.values()))]
    assert kinds.count(Layers) == 1
    assert kinds.count(Perceptron) == 7


def test_forces_cost_no_gradients_in_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    call = EdgeProduct.__call__

    def note(plan: EdgeProduct, wanted: str, *given: Any, **options: Any) -> Any:
        asked.append(wanted)
        return call(plan, wanted, *given, **options)

    monkeypatch.setattr(EdgeProduct, "__call__", note)
    model = accelerate(random_model(num_layers=1)).eval()
    activated: list[Any] = []
    monkeypatch.setattr("mlmd.nnqmd.allegro.perceptron._activated", lambda *a: activated.append(a))
    model(graph(perovskite()))
    assert sorted(asked) == ["m", "x", "y"]
    assert not activated


def test_a_modifier_of_nequip_named_in_a_yaml_file() -> None:
    from hydra.utils import get_method

    set_global_state(allow_tf32=False)
    embedding = {"_target_": "allegro.nn.TwoBodyBesselScalarEmbed"}
    model = {"_target_": "allegro.model.AllegroModel", "seed": 1, "model_dtype": "float32", "r_max": 4.0, "l_max": 1}
    model |= {"type_names": TYPES, "avg_num_neighbors": 20.0, "radial_chemical_embed": embedding}
    made = get_method("mlmd.nnqmd.allegro.modify")(modifiers=[{"modifier": "enable_MLMD"}], model=model)
    assert any(isinstance(module, Layers) for module in made.modules())


def test_classes_of_packaged_models_are_known() -> None:
    kind = type("Allegro_Module", (torch.nn.Module,), {"__module__": "<torch_package_0>.allegro.nn._allegro"})
    assert qualified_name(kind()) in COUNTERPARTS


def test_models_without_allegro_layers_are_refused() -> None:
    with pytest.raises(MlmdError, match="Linear has no Allegro layers to accelerate: give a model of nequip-allegro"):
        accelerate(torch.nn.Linear(2, 2))


def test_models_on_another_device_are_refused() -> None:
    with pytest.raises(MlmdError, match=r"the model is on meta, .* use .to\('cpu'\)"):
        accelerate(random_model().to("meta"))


def test_third_derivatives_of_a_form() -> None:
    """Against differences of torch: the form is closed under differentiation."""
    form = Form(lambda dtype, threads: EdgeProduct(2, 3, 2, dtype, threads=threads))
    begin, rng = np.array([0, 1, 3]), torch.Generator().manual_seed(2)
    x, m = (
        torch.randn(shape, dtype=torch.float64, generator=rng, requires_grad=True)
        for shape in ((3, 2, 2), (2, 2, 3, 2))
    )
    assert torch.autograd.gradcheck(lambda x, m: form("y", begin, x, m), (x, m))
    assert torch.autograd.gradgradcheck(lambda x, m: form("y", begin, x, m).sin(), (x, m))


@pytest.mark.parametrize("activation", ["none", "silu"])
def test_derivatives_of_dense(activation: str) -> None:
    rng = torch.Generator().manual_seed(2)
    x, y, matrix = (
        torch.randn(shape, dtype=torch.float64, generator=rng, requires_grad=True) for shape in ((4, 2), (4, 1), (3, 5))
    )
    assert torch.autograd.gradcheck(lambda *given: dense(activation, (2, 3), *given), (matrix, x, y))
    assert torch.autograd.gradgradcheck(lambda *given: dense(activation, (2, 3), *given), (matrix, x, y))


def test_the_pool_gives_no_block_twice() -> None:
    pool = Pool(kept=1 << 20)
    one, two = pool.empty((1 << 18,), torch.float32), pool.empty((1 << 18,), torch.float32)
    assert one.data_ptr() != two.data_ptr()
    part, place = one[5:9], one.data_ptr()
    del one
    assert pool.empty((1 << 18,), torch.float32).data_ptr() != place, "a view still holds the block"
    del part, two
    assert pool._waiting <= 1 << 20


def test_data_on_another_device_are_refused() -> None:
    from mlmd.nnqmd.allegro.layers import Edges

    with pytest.raises(ArrayError, match=r"accelerated for the CPU, its data are on meta: use .to\('cpu'\)"):
        Edges(torch.zeros(3, dtype=torch.int64, device="meta"), 2)
