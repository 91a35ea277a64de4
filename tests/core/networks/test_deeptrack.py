"""Networks of DeepTrack 1.0 are read as they are, and whatever else an HDF5 file may hold is refused in a sentence."""

import json

import h5py
import numpy as np
import pytest

from napari_growtrack.core.errors import NetworkFileError
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.networks.deeptrack import read_deeptrack, unit_of

PRETRAINED = ["single_particle", "brownian", "vesicles"]


@pytest.fixture(params=PRETRAINED)
def pretrained(shared_data, request):
    return shared_data / "deeptrack1" / f"pretrained_{request.param}.h5"


def conv(name, filters, kernel=3, **other):
    fixed = {"strides": [1, 1], "dilation_rate": [1, 1], "use_bias": True, "data_format": "channels_last"}
    sizes = {"filters": filters, "kernel_size": [kernel, kernel]}
    return layer("Conv2D", name, **fixed, **sizes, **{"activation": "relu", "padding": "valid", **other})


def pool(name, side=2, **other):
    sizes = {"pool_size": [side, side], "strides": [side, side]}
    return layer("MaxPooling2D", name, padding="valid", data_format="channels_last", **{**sizes, **other})


def dense(name, units, activation="relu", **other):
    return layer("Dense", name, units=units, activation=activation, **{"use_bias": True, **other})


def layer(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, **config}}


FLATTEN = layer("Flatten", "flatten", data_format="channels_last")
OUTPUT = dense("output", 3, "linear")
SMALL = [conv("conv_1", 2), pool("pooling_1"), conv("conv_2", 3), pool("pooling_2"), FLATTEN, dense("dense_1", 4)]
SMALL = [*SMALL, OUTPUT]


def write(path, layers=SMALL, side=13, config=lambda layers: layers, nest=lambda name: name):
    """Write a network as Keras 2.2 does, with weights from a fixed seed; `config` and `nest` vary the style."""
    first = {**layers[0]["config"], "batch_input_shape": [None, side, side, 1]}
    layers = [{**layers[0], "config": first}, *layers[1:]]
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.2.2"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config(layers)})
        channels, flat = 1, None
        for entry in layers:
            kind, options = entry["class_name"], entry["config"]
            group = file.create_group(f"model_weights/{options['name']}")
            if kind == "Conv2D":
                shape = (*options["kernel_size"], channels, options["filters"])
                side, channels = side - options["kernel_size"][0] + 1, options["filters"]
            elif kind == "Dense":
                shape = flat, options["units"]
                flat = options["units"]
            else:
                side //= options.get("pool_size", [1])[0]
                flat = side**2 * channels
                continue
            group.attrs["weight_names"] = np.array([f"{options['name']}/kernel:0", f"{options['name']}/bias:0"], "S")
            group[f"{nest(options['name'])}/kernel:0"] = rng.normal(0, 0.5, shape).astype(np.float32)
            group[f"{nest(options['name'])}/bias:0"] = rng.normal(0, 0.5, shape[-1]).astype(np.float32)
    return path


def by_hand(path, windows):
    """Answer windows with nothing but the arrays and the description of a file."""
    values = windows[..., None]
    with h5py.File(path, "r") as file:
        config = json.loads(file.attrs["model_config"])["config"]
        for entry in config if isinstance(config, list) else config["layers"]:
            kind, options = entry["class_name"], entry["config"]
            arrays = file[f"model_weights/{options['name']}"]
            while len(arrays) == 1:
                (arrays,) = arrays.values()
            if kind == "Conv2D":
                views = np.lib.stride_tricks.sliding_window_view(values, options["kernel_size"], (1, 2))
                values = np.einsum("nyxcij,ijcf->nyxf", views, arrays["kernel:0"][()]) + arrays["bias:0"][()]
            elif kind == "MaxPooling2D":
                side = options["pool_size"][0]
                views = np.lib.stride_tricks.sliding_window_view(values, (side, side), (1, 2))
                values = views[:, ::side, ::side].max((-2, -1))
            elif kind == "Flatten":
                values = values.reshape(len(values), -1)
            elif kind == "Dense":
                values = values @ arrays["kernel:0"][()] + arrays["bias:0"][()]
            if options.get("activation") == "relu":
                values = np.maximum(values, 0)
    return values


def test_a_unit_is_half_the_window_rounded_down():
    assert unit_of(Plan.plain()) == 25
    assert unit_of(Plan.plain(window=63)) == 31


def as_grown(path, images):
    from napari_growtrack.core.growth.network import GrownNetwork

    plan, weights = read_deeptrack(path)
    return GrownNetwork(plan, 0, "unit", 25.0).fill(weights).answer(images, 1)


def windows(side, number=4):
    return np.random.default_rng(1).uniform(0, 1, (number, side, side)).astype(np.float32)


# What is read -----------------------------------------------------------------------------------------------------


def test_a_pretrained_network_is_a_plan_of_one_stage(pretrained):
    plan, weights = read_deeptrack(pretrained)
    assert " ".join(str(plan).split()) == "stage 1 conv 1 16 conv 2 32 conv 3 64 dense 1 32 dense 2 32"
    assert (plan.window, plan.step, plan.stages) == (51, 8, 1)
    assert {name: array.shape for name, array in weights.items()} == plan.weight_shapes()
    assert all(array.dtype == np.float32 for array in weights.values())


def test_a_pretrained_network_answers_as_its_arrays_do(pretrained):
    images = windows(51)
    np.testing.assert_allclose(as_grown(pretrained, images)[:, 0, 0], 25 * by_hand(pretrained, images), atol=1e-4)


def test_a_pretrained_network_answers_all_windows_of_a_frame_at_once(pretrained):
    frame = windows(51 + 2 * 8, 1)
    views = np.lib.stride_tricks.sliding_window_view(frame[0], (51, 51))[::8, ::8]
    answers = by_hand(pretrained, views.reshape(-1, 51, 51)).reshape(3, 3, 3)
    np.testing.assert_allclose(as_grown(pretrained, frame)[0], 25 * answers, atol=1e-4)


STACKS = {
    "as DeepTrack does": SMALL,
    "no pooling": [conv("a", 2), conv("b", 3), FLATTEN, dense("d", 4), OUTPUT],
    "wide kernels and pools": [conv("a", 2, 4), pool("p", 3), FLATTEN, dense("d", 4), dense("e", 5), OUTPUT],
    "no hidden dense layer": [conv("a", 2), pool("p"), FLATTEN, OUTPUT],
    "only dense layers": [FLATTEN, dense("d", 4), OUTPUT],
}


@pytest.mark.parametrize("layers", STACKS.values(), ids=STACKS)
def test_any_stack_of_such_layers_answers_as_its_arrays_do(tmp_path, layers):
    path, images = write(tmp_path / "network.h5", layers), windows(13)
    np.testing.assert_allclose(as_grown(path, images)[:, 0, 0], 25 * by_hand(path, images), rtol=1e-4, atol=1e-4)


STYLES = {
    "a description with a name": {"config": lambda layers: {"name": "sequential_1", "layers": layers}},
    "an input layer": {"layers": [layer("InputLayer", "input"), *SMALL]},
    "a model made twice": {"nest": lambda name: f"{name}_1"},
    "a model with a name": {"nest": lambda name: f"sequential/{name}"},
    "no extra group": {"nest": lambda name: "."},
}


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_the_styles_of_keras_versions_are_read_alike(tmp_path, style):
    plan, weights = read_deeptrack(write(tmp_path / "network.h5"))
    other_plan, other_weights = read_deeptrack(write(tmp_path / "other.h5", **style))
    assert other_plan == plan
    for name, array in weights.items():
        np.testing.assert_array_equal(other_weights[name], array)


@pytest.mark.filterwarnings("ignore")
def test_a_network_that_keras_saves_today_answers_as_in_keras(tmp_path):
    import keras

    model = keras.Sequential(
        [
            keras.Input((21, 21, 1)),
            keras.layers.Conv2D(3, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(5, activation="relu"),
            keras.layers.Dense(3),
        ]
    )
    model.save(tmp_path / "network.h5")
    images = windows(21)
    answers = model.predict_on_batch(images[..., None])
    np.testing.assert_allclose(as_grown(tmp_path / "network.h5", images)[:, 0, 0], 25 * answers, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("box", [55, 61, 65])
def test_the_network_for_brownian_beads_finds_those_of_its_film(shared_data, box):
    from scipy.spatial.distance import pdist

    from napari_growtrack.core.detection import Cascade, detect
    from napari_growtrack.core.growth.network import GrownNetwork

    folder = shared_data / "deeptrack1"
    plan, weights = read_deeptrack(folder / "pretrained_brownian.h5")
    network = GrownNetwork(plan, 0, "unit", unit_of(plan), zoom=51 / box).fill(weights)
    cascade = Cascade(stage=1, screen=1, screen_distance=10, accept_distance=6, merge_distance=8)
    found = detect(folder / "brownian_particles.mp4", network, cascade, frames=[0, 10, 22, 35, 49])
    assert found.groupby("frame").size().between(23, 24).all()
    assert min(pdist(beads[["y", "x"]]).min() for _, beads in found.groupby("frame")) > 25


# What is refused --------------------------------------------------------------------------------------------------


def changed(index, **changes):
    """The small network with one layer's description changed."""
    entry = SMALL[index]
    return [*SMALL[:index], {**entry, "config": {**entry["config"], **changes}}, *SMALL[index + 1 :]]


FOREIGN = {
    "another layer": ([*SMALL[:2], layer("Dropout", "drop"), *SMALL[2:]], "layer 'drop' is a 'Dropout', expected only"),
    "another activation": (changed(2, activation="tanh"), "layer 'conv_2' has activation 'tanh', expected 'relu'"),
    "no activation": (changed(5, activation="linear"), "layer 'dense_1' has activation 'linear', expected 'relu'"),
    "a bounded output": (changed(6, activation="tanh"), "layer 'output' has activation 'tanh', expected 'linear'"),
    "padding": (changed(0, padding="same"), "layer 'conv_1' has padding 'same', expected 'valid'"),
    "strides": (changed(0, strides=[2, 2]), r"layer 'conv_1' has strides \[2, 2\], expected \[1, 1\]"),
    "dilation": (changed(0, dilation_rate=[2, 2]), "layer 'conv_1' has dilation_rate"),
    "no bias": (changed(2, use_bias=False), "layer 'conv_2' has use_bias False, expected True"),
    "channels first": (changed(0, data_format="channels_first"), "layer 'conv_1' has data_format 'channels_first'"),
    "an oblong pool": (changed(1, pool_size=[2, 3]), r"layer 'pooling_1' has pool_size \[2, 3\], expected a square"),
    "pools that overlap": (changed(1, strides=[1, 1]), r"layer 'pooling_1' has strides \[1, 1\], expected those of"),
    "two outputs": (changed(6, units=2), "layer 'output' has units 2, expected 3"),
    "another order": ([SMALL[1], SMALL[0], *SMALL[2:]], "expected Conv2D with or without MaxPooling2D, then Flatten"),
    "no layers": ([layer("InputLayer", "input")], "then Flatten and Dense, got ''"),
    "a bare output": ([FLATTEN, OUTPUT], "Plan cannot be read at 'layers'"),
    "too many layers": ([conv("conv", 1, 1)] * 201, "it has 201 layers, more than the 200 allowed"),
    "an absurd size": (changed(5, units=99_999_999), "Plan cannot be read.*from 0 to 100000"),
    "an absurd total": (
        [conv("a", 2), FLATTEN, dense("d", 99_999), OUTPUT],
        "it wants .* weights, more than the 16,777,216 allowed",
    ),
    "a number that is none": (changed(5, units="many"), "Plan cannot be read at 'units.2.0'"),
}


@pytest.mark.parametrize(("layers", "sentence"), FOREIGN.values(), ids=FOREIGN)
def test_other_networks_are_refused_and_the_layer_is_named(tmp_path, layers, sentence):
    path = write(tmp_path / "network.h5")
    first = {**layers[0]["config"], "batch_input_shape": [None, 13, 13, 1]}
    describe(path, "Sequential", [{**layers[0], "config": first}, *layers[1:]])
    with pytest.raises(NetworkFileError, match=f"^network.h5 is not a network of DeepTrack 1.0: .*{sentence}"):
        read_deeptrack(path)


def describe(path, kind, config):
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps({"class_name": kind, "config": config})


@pytest.mark.parametrize("shape", [[None, 13, 15, 1], [None, 13, 13, 3], [None, None, None, 1], [None, 13], None])
def test_other_inputs_are_refused(tmp_path, shape):
    path = write(tmp_path / "network.h5")
    describe(path, "Sequential", changed(0, batch_input_shape=shape))
    with pytest.raises(
        NetworkFileError, match=r"network.h5 is not a network of DeepTrack 1.0: .*(got an input|window)"
    ):
        read_deeptrack(path)


def test_an_even_window_is_refused(tmp_path):
    with pytest.raises(NetworkFileError, match=r"odd.* window, got 14"):
        read_deeptrack(write(tmp_path / "network.h5", side=14))


def test_other_models_are_refused(tmp_path):
    path = write(tmp_path / "network.h5")
    describe(path, "Model", {})
    with pytest.raises(NetworkFileError, match="expected a Sequential model, got 'Model'"):
        read_deeptrack(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", '{"class_name": "Sequential"}', "[" * 100_000])
def test_damaged_descriptions_are_refused(tmp_path, text):
    path = write(tmp_path / "network.h5")
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = text
    with pytest.raises(NetworkFileError, match=r"network.h5 is damaged or cut short .* Copy or download it again"):
        read_deeptrack(path)


def replace(name, **arguments):
    """Return a change of a file that replaces one of its arrays."""

    def change(file):
        del file[name]
        file.create_dataset(name, **arguments)

    return change


KERNEL = "model_weights/conv_1/conv_1/kernel:0"
GOOD = np.zeros((3, 3, 1, 2), np.float32)


def link(to):
    def change(file):
        del file[KERNEL]
        file[KERNEL] = to

    return change


def virtual(file):
    del file[KERNEL]
    layout = h5py.VirtualLayout(GOOD.shape, "f4")
    layout[...] = h5py.VirtualSource("elsewhere.h5", "kernel", GOOD.shape)
    file.create_virtual_dataset(KERNEL, layout)


def without(name):
    def change(file):
        del file[name]

    return change


def weights_only(file):
    del file.attrs["model_config"]


def group_linked(to):
    def change(file):
        file.move("model_weights", "others")
        file["model_weights"] = to

    return change


def more(file):
    file["model_weights/conv_1/conv_1/gamma:0"] = np.zeros(2)


SPOILED = {
    "NaN": (replace(KERNEL, data=np.full_like(GOOD, np.nan)), "holds NaN or infinite weights"),
    "infinite": (replace(KERNEL, data=np.full(GOOD.shape, 1e300)), "holds NaN or infinite weights"),
    "whole numbers": (replace(KERNEL, data=GOOD.astype("i4")), r"holds int32 values of shape \(3, 3, 1, 2\), expected"),
    "texts": (replace(KERNEL, data=np.full(GOOD.shape, "x", "S3")), "expected floats"),
    "another shape": (replace(KERNEL, data=GOOD[:2]), r"holds float32 values of shape \(2, 3, 1, 2\), expected floats"),
    "a huge shape": (replace(KERNEL, shape=(2**40, 2**20), dtype="f4", chunks=(8, 8)), "expected floats of shape"),
    "nothing": (replace(KERNEL, data=h5py.Empty("f4")), "of shape None, expected floats"),
    "compressed": (replace(KERNEL, data=GOOD, compression="gzip"), "is scattered or compressed"),
    "elsewhere": (replace(KERNEL, shape=GOOD.shape, dtype="f4", external="/etc/passwd"), "is scattered or compressed"),
    "virtual": (virtual, "is scattered or compressed"),
    "a soft link": (link(h5py.SoftLink("/model_weights/conv_2/conv_2/kernel:0")), "'kernel:0' .* is only a link"),
    "an external link": (link(h5py.ExternalLink("other.h5", "/kernel")), "'kernel:0' .* is only a link"),
    "a linked group": (group_linked(h5py.ExternalLink("other.h5", "/")), "'model_weights' in '/' is only a link"),
    "a softly linked group": (group_linked(h5py.SoftLink("/others")), "'model_weights' in '/' is only a link"),
    "no array": (without(KERNEL), "does not hold a kernel and a bias"),
    "one array more": (more, "does not hold a kernel and a bias"),
    "no layer": (without("model_weights/dense_1"), "it has no part 'dense_1' in '/model_weights'"),
    "no weights": (without("model_weights"), "it has no part 'model_weights' in '/'"),
    "only weights": (weights_only, r"does not describe its layers \(no model_config\); expected a whole model"),
}


@pytest.mark.parametrize(("change", "sentence"), SPOILED.values(), ids=SPOILED)
def test_spoiled_files_are_refused_in_a_sentence(tmp_path, change, sentence):
    path = write(tmp_path / "network.h5")
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(NetworkFileError, match=f"^network.h5 is not a network of DeepTrack 1.0: .*{sentence}"):
        read_deeptrack(path)


def test_a_group_that_holds_itself_is_refused(tmp_path):
    path = write(tmp_path / "network.h5")
    with h5py.File(path, "a") as file:
        del file["model_weights/conv_1/conv_1"]
        file["model_weights/conv_1/conv_1"] = file["model_weights/conv_1"]
    with pytest.raises(NetworkFileError, match="does not hold a kernel and a bias"):
        read_deeptrack(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NetworkFileError, match=r"^gone.h5 cannot be read: No such file or directory. Check the path"):
        read_deeptrack(tmp_path / "gone.h5")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(NetworkFileError, match=f"^{tmp_path.name} cannot be read"):
        read_deeptrack(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x89HDF", b"PK\x03\x04 a zip file", b"no network at all" * 100])
def test_files_of_another_kind_are_refused(tmp_path, content):
    (tmp_path / "network.h5").write_bytes(content)
    with pytest.raises(NetworkFileError, match=r"network.h5 is not an HDF5 file, in which DeepTrack 1.0 saves"):
        read_deeptrack(tmp_path / "network.h5")


def test_a_file_of_absurd_size_is_refused_unread(tmp_path):
    path = write(tmp_path / "network.h5")
    with path.open("ab") as file:
        file.truncate(2**30)
    with pytest.raises(NetworkFileError, match=r"has 1,073,741,824 bytes, more than the 268,435,456 allowed"):
        read_deeptrack(path)


# What is damaged --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_cut_files_are_refused(tmp_path, share):
    raw = write(tmp_path / "network.h5").read_bytes()
    (tmp_path / "network.h5").write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(NetworkFileError, match=r"network.h5 is damaged or cut short .* Copy or download it again"):
        read_deeptrack(tmp_path / "network.h5")


def test_a_description_that_claims_gigabytes_is_refused_before_they_are_reserved(tmp_path):
    raw = bytearray(write(tmp_path / "network.h5").read_bytes())
    text, name = raw.index(b'{"class_name"'), raw.index(b"model_config\0")
    length = (raw.index(b"\0", text) - text).to_bytes(4, "little")
    claim = raw.index(length, name)
    raw[claim : claim + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "network.h5").write_bytes(raw)
    with pytest.raises(NetworkFileError, match="its model_config is longer than 1,048,576 bytes or not there"):
        read_deeptrack(tmp_path / "network.h5")


@pytest.mark.timeout(300)
def test_a_heap_that_leads_in_circles_is_refused(tmp_path):
    raw = bytearray(write(tmp_path / "network.h5").read_bytes())
    text = raw.index(b'{"class_name"')  # before it: number, uses and size of its place in the heap
    raw[text - 16 : text] = (99).to_bytes(8, "little") + (2**64 - 16).to_bytes(8, "little")
    (tmp_path / "network.h5").write_bytes(raw)
    with pytest.raises(NetworkFileError, match="its model_config is longer than 1,048,576 bytes or not there"):
        read_deeptrack(tmp_path / "network.h5")


def flipped(raw, number, seed):
    """Yield copies of some bytes with a few of them changed."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        copy = bytearray(raw)
        for place in rng.integers(0, len(raw), rng.integers(1, 6)):
            copy[place] = rng.integers(0, 256)
        yield bytes(copy)


def refused(path):
    """Read a file that must be refused in a sentence or come out whole."""
    try:
        plan, weights = read_deeptrack(path)
    except NetworkFileError:
        return True
    assert {name: array.shape for name, array in weights.items()} == plan.weight_shapes()
    assert all(np.isfinite(array).all() for array in weights.values())
    return False


@pytest.mark.timeout(300)
def test_small_files_with_flipped_bytes_are_refused_or_whole(tmp_path):
    path = write(tmp_path / "network.h5")
    outcomes = []
    for raw in flipped(path.read_bytes(), 500, seed=0):
        path.write_bytes(raw)
        outcomes.append(refused(path))
    assert 0 < sum(outcomes) < len(outcomes)


@pytest.mark.timeout(300)
def test_pretrained_files_with_flipped_or_missing_bytes_are_refused_or_whole(tmp_path, pretrained):
    raw, path = pretrained.read_bytes(), tmp_path / "network.h5"
    for spoiled in [*flipped(raw, 60, seed=1), *(raw[: len(raw) * part // 12] for part in range(12))]:
        path.write_bytes(spoiled)
        refused(path)
