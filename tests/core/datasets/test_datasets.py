"""Labelled images are loaded whole or refused in one sentence, and drawn alike however often one asks."""

from __future__ import annotations

import io
import shutil
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import affine_transform

from napari_growtrack.core.datasets import (
    Augmentation,
    Dataset,
    augment,
    draw_batch,
    folders,
    load_dataset,
    reading,
    shown,
)
from napari_growtrack.core.datasets.augmentation import draw_maps, warp
from napari_growtrack.core.datasets.batches import epoch_order
from napari_growtrack.core.errors import DatasetError, SettingsError

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 6, 8), np.uint8)
LABELS = np.array([0, 1, 2, 1, 0])
ARRAYS = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:2], "y_test": LABELS[:2]}
TURNED = Augmentation(rotation=90, shift=0.5, shear=30, zoom=0.5)


def rng(seed=0):
    return np.random.default_rng(seed)


def colours(number=3, height=20, width=20):
    return rng(1).random((number, height, width, 3), np.float32)


def write_npz(folder, **changes):
    arrays = {key: value for key, value in {**ARRAYS, **changes}.items() if value is not None}
    np.savez(folder / "digits.npz", **arrays)
    return folder / "digits.npz"


def encoded(pixels, kind="PNG", mode=None):
    picture = Image.fromarray(np.asarray(pixels, np.uint8)).convert(mode)
    picture.save(buffer := io.BytesIO(), kind)
    return buffer.getvalue()


def pictures(size=(4, 6), kind="PNG", mode=None):
    """Four pictures, each of one grey of its own, by name."""
    names = ("train/cat/a", "train/dog/a", "test/cat/a", "test/dog/a")
    return {
        f"{name}.{kind.lower()}": encoded(np.full(size, 50 * number), kind, mode) for number, name in enumerate(names)
    }


def write_zip(folder, members, **options):
    with zipfile.ZipFile(folder / "pets.zip", "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return folder / "pets.zip"


def write_folder(folder, members):
    for name, content in members.items():
        path = folder / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "pets"


def refused(path):
    with pytest.raises(DatasetError) as caught:
        load_dataset(path)
    return str(caught.value)


# a dataset


def test_images_are_kept_as_stored_and_scaled_when_drawn():
    dataset = Dataset.of(IMAGES, LABELS)
    assert np.shares_memory(dataset.images, IMAGES)
    images, labels = dataset.batch([3, 0])
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images, IMAGES[[3, 0], ..., None].astype(np.float32) / 255)
    np.testing.assert_array_equal(labels, [1, 0])


def test_a_dataset_tells_its_sizes():
    dataset = Dataset.of(colours(4, 5, 7), [0, 1, 0, 1], ["cat", "dog"], "pets")
    assert (len(dataset), dataset.shape, dataset.channels, dataset.number_of_classes) == (4, (5, 7), 3, 2)
    assert repr(dataset) == "Dataset(classes=('cat', 'dog'), name='pets')"


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4"])
def test_floating_point_images_become_float32(kind):
    dataset = Dataset.of(np.full((2, 3, 3), 0.5, kind), [0, 1])
    assert dataset.images.dtype == np.dtype("f4")
    assert (dataset.batch([0])[0] == 0.5).all()


@pytest.mark.parametrize("labels", [[0, 1, 2, 1, 0], LABELS[:, None], LABELS.astype("u1"), LABELS.astype("f4")])
def test_whole_labels_of_any_kind_become_int64(labels):
    dataset = Dataset.of(IMAGES, labels)
    assert dataset.labels.dtype == np.int64
    np.testing.assert_array_equal(dataset.labels, LABELS)
    assert dataset.classes == ("0", "1", "2")


def test_drawing_no_image_gives_an_empty_batch():
    images, labels = Dataset.of(IMAGES, LABELS).batch([])
    assert (images.shape, images.dtype, labels.shape) == ((0, 6, 8, 1), np.float32, (0,))


def test_what_is_drawn_is_a_copy():
    dataset = Dataset.of(colours(2), [0, 1])
    before = dataset.images.copy()
    dataset.batch([0, 1])[0][:] = 0
    np.testing.assert_array_equal(dataset.images, before)


def test_a_subset_holds_no_image_twice_and_keeps_each_label():
    dataset = Dataset.of(np.arange(50, dtype=np.uint8)[:, None, None], np.arange(50) % 3)
    subset = dataset.subset(20, rng())
    values = subset.images[:, 0, 0, 0]
    assert (len(subset), len(set(values.tolist())), subset.classes) == (20, 20, dataset.classes)
    np.testing.assert_array_equal(values % 3, subset.labels)
    np.testing.assert_array_equal(subset.labels, dataset.subset(20, rng()).labels)


@pytest.mark.parametrize("number", [0, 6, -1])
def test_a_subset_is_not_larger_than_the_whole(number):
    with pytest.raises(DatasetError, match=f"dataset holds 5 images; ask for 1 to 5 of them, not {number}"):
        Dataset.of(IMAGES, LABELS).subset(number, rng())


REFUSED = [
    ({"images": IMAGES[0]}, r"images of shape \(6, 8\); expected \(n, Y, X\) or \(n, Y, X, C\)"),
    ({"images": np.zeros((5, 3, 32, 32), "u1")}, r"images of shape \(5, 3, 32, 32\).* Bring the axes"),
    ({"images": IMAGES[:0], "labels": []}, r"dataset is empty: its images have shape \(0, 6, 8\)"),
    ({"images": IMAGES[:, :0]}, r"dataset is empty"),
    ({"images": IMAGES.astype("u2")}, r"uint16 images; expected uint8 from 0 to 255"),
    ({"images": IMAGES.astype("c8")}, r"complex64 images"),
    ({"images": IMAGES.astype("U3")}, r"<U3 images"),
    ({"images": np.full((5, 6, 8), 2.0)}, r"floating-point images from 2 to 2; expected 0 to 1"),
    ({"images": np.full((5, 6, 8), -0.1)}, r"floating-point images from -0.1 to -0.1"),
    ({"images": np.full((5, 6, 8), np.nan)}, r"floating-point images from nan to nan.* mend NaN"),
    ({"images": np.full((5, 6, 8), np.inf)}, r"floating-point images from inf to inf"),
    ({"images": IMAGES[:4]}, r"4 images but 5 labels\. Give each image its label"),
    ({"labels": np.eye(5)}, r"labels of shape \(5, 5\); expected one number.* labels\.argmax\(axis=1\)"),
    ({"labels": 3}, r"labels of shape \(\)"),
    ({"labels": list("abcde")}, r"<U1 labels; expected whole numbers from 0\. Number the classes"),
    ({"labels": [0, 1, 2, 1, -1]}, r"the label -1; expected whole numbers from 0 to 4"),
    ({"labels": [0, 1, 2, 1, 2.5]}, r"the label 2.5; expected whole numbers"),
    ({"labels": [0, 1, 2, 1, np.nan]}, r"the label nan; expected whole numbers"),
    ({"labels": [0, 1, 2, 1, np.inf]}, r"the label inf; expected whole numbers"),
    ({"labels": [0, 1, 2, 1, 10**12]}, r"the label 1000000000000; expected whole numbers"),
    ({"labels": [0, 1, 2, 1, 4]}, r"labels up to 4, but none is 3\. Number the classes without gaps"),
    ({"labels": [1, 1, 2, 1, 3]}, r"none is 0"),
    ({"classes": ["cat", "dog"]}, r"the label 2; expected whole numbers from 0 to 1"),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED)
def test_arrays_that_are_no_labelled_images_are_refused(changes, sentence):
    with pytest.raises(DatasetError, match=sentence):
        Dataset.of(**{"images": IMAGES, "labels": LABELS, **changes})


# .npz


def test_arrays_are_loaded_in_two_halves(tmp_path):
    train, test = load_dataset(str(write_npz(tmp_path)))
    assert (len(train), len(test), train.shape, train.channels) == (5, 2, (6, 8), 1)
    assert (train.name, test.name, train.classes) == ("digits train", "digits test", ("0", "1", "2"))
    assert test.classes == train.classes
    np.testing.assert_array_equal(train.images[..., 0], IMAGES)
    np.testing.assert_array_equal(test.labels, [0, 1])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"y_test": None}, "digits.npz has no y_test; expected arrays x_train, y_train, x_test, y_test, got x_test, "),
        ({"x_train": None, "arr_0": IMAGES}, "digits.npz has no x_train; expected"),
        ({"y_train": LABELS[:3]}, "digits train has 5 images but 3 labels"),
        ({"x_test": IMAGES[:0], "y_test": LABELS[:0]}, "digits test is empty"),
        ({"y_train": LABELS - 1}, "digits train has the label -1; expected whole numbers from 0"),
        ({"y_test": [0, 3]}, "digits test has the label 3; expected whole numbers from 0 to 2"),
        ({"x_train": np.full((5, 6, 8), np.nan)}, "digits train has floating-point images from nan to nan"),
        ({"y_train": np.zeros(5), "y_test": [0, 0]}, "digits train has one class, 0; expected two or more"),
        ({"x_test": IMAGES[:2, :5]}, "images of shape (6, 8, 1), digits test of (5, 8, 1). Bring them to one size"),
        ({"y_train": np.array([{}] * 5)}, "y_train in digits.npz holds Python objects; expected numbers"),
        ({"y_train": LABELS.astype("S1")}, "digits train has |S1 labels"),
    ],
)
def test_an_npz_with_other_arrays_is_refused(tmp_path, changes, sentence):
    assert sentence in refused(write_npz(tmp_path, **changes))


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_an_npz_cut_short_is_refused(tmp_path, share):
    path = write_npz(tmp_path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert refused(path).startswith("Cannot read digits.npz: File is not a zip file. It may be damaged or cut short;")


def test_an_array_that_is_damaged_is_refused(tmp_path):
    path = write_npz(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(IMAGES[0].tobytes())] ^= 255
    path.write_bytes(content)
    assert refused(path).startswith("Cannot read x_train in digits.npz: Bad CRC-32")


def header(shape, kind="|u1"):
    np.lib.format.write_array_header_1_0(
        buffer := io.BytesIO(), {"descr": kind, "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Cannot read x_train in digits.npz: "),
        (b"no array at all", "the magic string is not correct"),
        (header((10**12, 8, 8)), "it should hold (1000000000000, 8, 8) uint8 values, but has only 128 bytes"),
        (header((5, 6, 8)) + bytes(100), "it should hold (5, 6, 8) uint8 values, but has only 228 bytes"),
        (header((-5, 6, 8)) + bytes(100), "Cannot read x_train in digits.npz: "),
        (header((5,), "|O") + b"cos\nsystem\n.", "x_train in digits.npz holds Python objects"),
        (header((5, 6, 8)).replace(b"|u1", b"|u9"), "Cannot read x_train in digits.npz: "),
    ],
)
def test_an_array_whose_header_lies_is_refused(tmp_path, content, sentence):
    path = write_npz(tmp_path, x_train=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x_train.npy", content)
    assert sentence in refused(path)


# pictures


@pytest.mark.parametrize("write", [write_folder, write_zip])
@pytest.mark.parametrize(("kind", "mode", "channels"), [("PNG", "L", 1), ("PNG", "RGB", 3), ("TIFF", "RGB", 3)])
def test_pictures_are_loaded_by_class(tmp_path, write, kind, mode, channels):
    train, test = load_dataset(write(tmp_path, pictures(kind=kind, mode=mode)))
    assert (train.name, test.name, train.classes) == ("pets train", "pets test", ("cat", "dog"))
    assert (train.shape, train.channels, train.images.dtype) == ((4, 6), channels, np.uint8)
    np.testing.assert_array_equal(train.images[:, 0, 0, 0], [0, 50])
    np.testing.assert_array_equal(test.images[:, 0, 0, 0], [100, 150])
    np.testing.assert_array_equal(test.labels, [0, 1])


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("LA", 1), ("P", 3), ("RGBA", 3)])
def test_pictures_of_other_kinds_become_grey_or_colour(tmp_path, mode, channels):
    train, _ = load_dataset(write_zip(tmp_path, pictures(mode=mode)))
    assert train.channels == channels


def test_jpegs_are_read_as_pillow_reads_them(tmp_path):
    content = encoded(255 * colours(1, 16, 16)[0], "JPEG")
    members = {name.replace("png", "JPG"): content for name in pictures()}
    train, _ = load_dataset(write_zip(tmp_path, members))
    np.testing.assert_array_equal(train.images[1], np.asarray(Image.open(io.BytesIO(content))))


def test_images_follow_their_names_and_labels_their_folders(tmp_path):
    names = [f"{half}/{kind}/{number}.png" for half in ("train", "test") for number in (2, 1, 3) for kind in "bac"]
    members = {name: encoded(np.full((2, 2), 10 * ord(name[-7]) % 256 + int(name[-5]))) for name in names}
    train, _ = load_dataset(write_zip(tmp_path, members))
    np.testing.assert_array_equal(train.labels, [0, 0, 0, 1, 1, 1, 2, 2, 2])
    expected = [10 * ord(kind) % 256 + number for kind in "abc" for number in (1, 2, 3)]
    np.testing.assert_array_equal(train.images[:, 0, 0, 0], expected)


def test_validation_stands_in_for_a_missing_test(tmp_path):
    members = {name.replace("test", "validation"): content for name, content in pictures().items()}
    _, test = load_dataset(write_zip(tmp_path, members))
    assert test.images[0, 0, 0, 0] == 100
    _, test = load_dataset(write_zip(tmp_path, {**members, **pictures((4, 6))}))
    assert len(test) == 2


def test_an_outer_folder_of_the_zip_and_foreign_files_do_not_matter(tmp_path):
    members = {f"pets/{name}": content for name, content in pictures().items()}
    others = {
        "pets/train/cat/Thumbs.db": b"?",
        "pets/train/.DS_Store": b"?",
        "__MACOSX/pets/train/cat/._a.png": b"?",
        "readme.txt": b"?",
        "pets/train/": b"",
    }
    train, _ = load_dataset(write_zip(tmp_path, {**members, **others}))
    assert len(train) == 2


def test_names_that_lead_elsewhere_read_nothing_and_write_nothing(tmp_path):
    (tmp_path / "secret.png").write_bytes(encoded(np.full((4, 6), 7)))
    tricks = ("../secret.png", "train/../secret.png", "/train/secret.png", f"{tmp_path}/train/cat/../secret.png")
    path = write_zip(tmp_path, {**pictures(), **dict.fromkeys(tricks, b"evil")})
    train, _ = load_dataset(path)
    assert (len(train), train.classes) == (2, ("cat", "dog"))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["pets.zip", "secret.png"]
    assert b"evil" not in (tmp_path / "secret.png").read_bytes()


def test_the_first_odd_picture_is_named(tmp_path):
    members = {**pictures(), "train/dog/b.png": encoded(np.zeros((5, 6))), "train/dog/c.png": encoded(np.zeros((9, 9)))}
    sentence = "train/dog/b.png in pets.zip is 6 x 5 grey, the first picture 6 x 4 grey. Bring all to one size"
    assert sentence in refused(write_zip(tmp_path, members))
    members = {**pictures(), "test/dog/b.png": encoded(np.zeros((4, 6, 3)))}
    assert "test/dog/b.png in pets is 6 x 4 in colour, the first" in refused(write_folder(tmp_path, members))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"test/cat/a.png": None, "test/dog/a.png": None}, "pets.zip has no pictures in test/CLASS/; expected .jpg, "),
        ({name: None for name in pictures()}, "pets.zip has no pictures in train/CLASS/"),
        ({"test/cat/a.png": None}, "has the classes cat, dog to train on, but dog to test with. Give both the same"),
        ({"train/cat/a.png": None, "test/cat/a.png": None}, "pets train has one class, dog; expected two or more"),
        ({"test/dog/a.png": b""}, "Cannot read test/dog/a.png in pets.zip: it is no JPEG, PNG, TIFF picture. It may"),
        ({"test/dog/a.png": b"<html>"}, "it is no JPEG, PNG, TIFF picture"),
        ({"test/dog/a.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 4\n"}, "it is no JPEG, PNG, TIFF"),
        ({"test/dog/a.png": pictures()["test/dog/a.png"][:-25]}, "Cannot read test/dog/a.png in pets.zip: "),
    ],
)
def test_pictures_that_cannot_be_learned_from_are_refused(tmp_path, changes, sentence):
    members = {name: content for name, content in {**pictures(), **changes}.items() if content is not None}
    assert sentence in refused(write_zip(tmp_path, members))


def test_pictures_of_sixteen_bits_are_refused_rather_than_clipped(tmp_path):
    Image.fromarray(np.full((4, 6), 60_000, np.uint16)).save(buffer := io.BytesIO(), "PNG")
    sentence = "train/cat/a.png in pets.zip has pixels of kind I;16; expected 8 bits, grey or colour"
    assert sentence in refused(write_zip(tmp_path, {**pictures(), "train/cat/a.png": buffer.getvalue()}))


def test_a_missing_file_and_a_file_of_another_kind_are_refused(tmp_path):
    assert refused(tmp_path / "none.npz") == f"Cannot find {tmp_path.resolve() / 'none.npz'}. Check the path."
    (tmp_path / "data.mat").write_bytes(b"")
    assert refused(tmp_path / "data.mat") == "Cannot load data.mat: expected .npz, .zip or a folder, got '.mat'."


def test_a_zip_cut_short_is_refused(tmp_path):
    path = write_zip(tmp_path, pictures())
    path.write_bytes(path.read_bytes()[:-30])
    assert refused(path).startswith("Cannot read pets.zip: ")


def test_a_folder_named_like_a_picture_is_refused(tmp_path):
    folder = write_folder(tmp_path, pictures())
    (folder / "train" / "cat" / "b.png").mkdir()
    assert refused(folder).startswith("Cannot read train/cat/b.png in pets: ")


# bombs


def declared(path, size):
    """Make the last part of a zip claim another size, in both of its headers."""
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        content[(at := content.rindex(signature) + offset) : at + 4] = struct.pack("<I", size)
    path.write_bytes(content)
    return path


def test_a_zip_that_says_it_is_too_large_is_refused_unread(tmp_path):
    members = {**pictures(), "b.bin": b"?", "c.bin": b"?", "d.bin": b"?"}
    path = write_zip(tmp_path, members)
    content = bytearray(path.read_bytes())
    for name in (b"b.bin", b"c.bin", b"d.bin"):
        at = content.rindex(b"PK\x01\x02", 0, content.rindex(name)) + 24
        content[at : at + 4] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(content)
    assert "pets.zip unpacks to 12.0 GiB, more than the 8 GiB allowed" in refused(path)


def test_a_part_that_is_larger_than_it_says_is_refused_while_reading(tmp_path):
    members = {**pictures(), "train/dog/z.png": encoded(np.zeros((4, 6))) + bytes(10**6)}
    path = declared(write_zip(tmp_path, members, compression=zipfile.ZIP_DEFLATED), 100)
    assert refused(path).startswith("Cannot read train/dog/z.png in pets.zip: Bad CRC-32")


def test_a_picture_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "_PICTURE_LIMIT", 2**20)
    members = {**pictures(), "train/cat/a.png": bytes(2**20 + 1)}
    path = write_zip(tmp_path, members, compression=zipfile.ZIP_DEFLATED)
    assert refused(path) == "train/cat/a.png in pets.zip is larger than 1 MiB. Leave it out."


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path):
    content = bytearray(pictures()["train/cat/a.png"])
    content[16:24] = struct.pack(">II", 6000, 6000)
    content[29:33] = struct.pack(">I", zipfile.crc32(content[12:29]))
    path = write_zip(tmp_path, {**pictures(), "train/cat/a.png": bytes(content)})
    assert "train/cat/a.png in pets.zip has 6000 x 6000 pixels; expected at most 16,777,216" in refused(path)


def test_pictures_that_are_too_large_together_are_refused(tmp_path, monkeypatch):
    folder = write_folder(tmp_path, pictures())
    monkeypatch.setattr(reading, "_TOTAL_LIMIT", 4 * 4 * 6)
    assert len(load_dataset(folder)[0]) == 2
    monkeypatch.setattr(reading, "_TOTAL_LIMIT", 4 * 4 * 6 - 1)
    assert "more than the" in refused(folder)


def test_ways_of_packing_that_cannot_be_bounded_are_refused(tmp_path):
    path = write_zip(tmp_path, pictures(), compression=zipfile.ZIP_BZIP2)
    assert refused(path) == "pets.zip is compressed in a way that is not read. Zip it again with deflate."


# augmentation


def test_nothing_to_change_returns_the_images_unchanged():
    images = colours(3, 7, 10)
    np.testing.assert_array_equal(augment(images, Augmentation.none(), rng()), images)


def test_the_defaults_are_those_of_cats_and_dogs():
    expected = {"rotation": 40, "shift": 0.2, "shear": 0.2, "zoom": 0.2, "flip": True}
    assert Augmentation().model_dump() == expected


@pytest.mark.parametrize("changes", [{"rotation": -1}, {"shift": 1.1}, {"shear": 90}, {"zoom": 1}, {"rotation": "nan"}])
def test_augmentations_that_cannot_be_are_refused(changes):
    with pytest.raises(SettingsError):
        Augmentation(**changes)


def test_the_same_seed_gives_the_same_images_and_each_image_its_own_map():
    images = np.repeat(colours(1), 4, axis=0)
    first = augment(images, Augmentation(), rng(3))
    np.testing.assert_array_equal(first, augment(images, Augmentation(), rng(3)))
    assert not np.array_equal(first, augment(images, Augmentation(), rng(4)))
    assert len(np.unique(first.reshape(4, -1), axis=0)) == 4


def test_augmenting_leaves_the_images_themselves_untouched():
    images = colours()
    before = images.copy()
    augment(images, TURNED, rng())
    np.testing.assert_array_equal(images, before)


def test_values_stay_within_their_range():
    images = 0.2 + 0.5 * colours(20)
    warped = augment(images, TURNED, rng())
    assert (warped.shape, warped.dtype) == (images.shape, np.float32)
    axes = (1, 2, 3)
    assert (warped.min(axes) >= images.min(axes)).all()
    assert (warped.max(axes) <= images.max(axes)).all()


def test_no_images_are_augmented_to_no_images():
    assert augment(np.zeros((0, 5, 5, 1), np.float32), Augmentation(), rng()).shape == (0, 5, 5, 1)


def test_half_of_the_images_are_mirrored():
    images = np.repeat(colours(1), 200, axis=0)
    warped = augment(images, Augmentation.none().with_(flip=True), rng())
    mirrored = [np.array_equal(new, images[0, :, ::-1]) for new in warped]
    assert 70 < sum(mirrored) < 130
    assert all(np.array_equal(new, images[0]) for new, was in zip(warped, mirrored, strict=True) if not was)


@pytest.mark.parametrize(("down", "along"), [(0, 0), (2, 0), (0, -3), (-1, 4)])
def test_a_shift_by_whole_pixels_moves_pixels_and_carries_the_edge_on(down, along):
    images = colours(1, 9, 11)
    warped = warp(images, np.eye(2)[None], np.array([[down, along]]))
    rows, columns = np.clip(np.arange(9) + down, 0, 8), np.clip(np.arange(11) + along, 0, 10)
    np.testing.assert_array_equal(warped[0], images[0][rows][:, columns])


@pytest.mark.parametrize("side", [8, 9])
def test_a_right_angle_turns_as_numpy_does(side):
    images = colours(1, side, side)
    turn = np.array([[[0.0, 1.0], [-1.0, 0.0]]])
    np.testing.assert_array_equal(warp(images, turn, np.zeros((1, 2)))[0], np.rot90(images[0]))


def test_random_maps_agree_with_scipy():
    images = colours(4, 23, 31)
    matrices, shifts = draw_maps(4, (23, 31), TURNED, rng(5))
    warped = warp(images, matrices, shifts)
    centre = np.array([11, 15])
    for image, matrix, shift, new in zip(images, matrices, shifts, warped, strict=True):
        offset = centre + shift - matrix @ centre
        for channel in range(3):
            expected = affine_transform(image[..., channel], matrix, offset, order=1, mode="nearest")
            np.testing.assert_allclose(new[..., channel], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "largest"),
    [
        ({"rotation": 40}, lambda matrices, _: np.rad2deg(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])) / 40),
        ({"shift": 0.2}, lambda _, shifts: shifts[:, 0] / (0.2 * 100)),
        ({"shift": 0.2}, lambda _, shifts: shifts[:, 1] / (0.2 * 50)),
        ({"shear": 30}, lambda matrices, _: np.rad2deg(np.arcsin(-matrices[:, 1, 0])) / 30),
        ({"zoom": 0.3}, lambda matrices, _: (matrices[:, 0, 0] - 1) / 0.3),
        ({"zoom": 0.3}, lambda matrices, _: (matrices[:, 1, 1] - 1) / 0.3),
    ],
)
def test_each_setting_bounds_its_own_change_to_both_sides(changes, largest):
    drawn = largest(*draw_maps(500, (100, 50), Augmentation.none().with_(**changes), rng()))
    assert -1 <= drawn.min() < -0.98
    assert 0.98 < drawn.max() <= 1


# batches


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own():
    orders = [epoch_order(100, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(order) == list(range(100)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4


def test_orders_are_remembered_and_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        epoch_order(10, 0, 0)[0] = 3


@pytest.mark.parametrize(("number", "size"), [(10, 5), (10, 4), (10, 10), (10, 33), (1, 1), (3, 2)])
def test_batches_go_through_one_epoch_after_another(number, size):
    batches = [shown(number, 1, first, size) for first in range(0, 6 * number * size, size)]
    assert {len(batch) for batch in batches} == {size}
    images = np.concatenate(batches)[: 4 * number].reshape(4, number)
    for epoch, order in enumerate(images):
        np.testing.assert_array_equal(order, epoch_order(number, 1, epoch))


@pytest.mark.parametrize("augmentation", [None, Augmentation()])
def test_a_batch_does_not_depend_on_what_was_drawn_before(augmentation):
    dataset = Dataset.of(colours(7), [0, 1, 0, 1, 0, 1, 1])
    forward = [draw_batch(dataset, 5, 3 * number, 3, augmentation) for number in range(8)]
    epoch_order.cache_clear()
    for number in reversed(range(8)):
        images, labels = draw_batch(dataset, 5, 3 * number, 3, augmentation)
        np.testing.assert_array_equal(images, forward[number][0])
        np.testing.assert_array_equal(labels, forward[number][1])


def test_augmentation_is_drawn_anew_for_every_batch_and_keeps_order_and_labels():
    dataset = Dataset.of(np.repeat(colours(1), 4, axis=0), [0, 1, 0, 1])
    first, second = (draw_batch(dataset, 5, 4 * number, 4, Augmentation()) for number in (0, 1))
    assert not np.array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], draw_batch(dataset, 5, 0, 4)[1])


# real files


def test_mnist_is_loaded_as_stored(shared_data):
    train, test = load_dataset(shared_data / "mnist.npz")
    assert (len(train), len(test), train.shape, train.channels) == (60_000, 10_000, (28, 28), 1)
    assert train.classes == tuple("0123456789")
    with np.load(shared_data / "mnist.npz") as stored:
        np.testing.assert_array_equal(test.images[..., 0], stored["x_test"])
        np.testing.assert_array_equal(train.labels, stored["y_train"])


@pytest.fixture(scope="module")
def cats_and_dogs(shared_data):
    return load_dataset(shared_data / "cats_dogs_150.zip")


def test_cats_and_dogs_are_loaded(cats_and_dogs):
    for half in cats_and_dogs:
        assert (len(half), half.shape, half.channels, half.classes) == (2000, (150, 150), 3, ("cats", "dogs"))
        np.testing.assert_array_equal(np.bincount(half.labels), [1000, 1000])


def test_cats_and_dogs_are_drawn_augmented(cats_and_dogs):
    images, labels = draw_batch(cats_and_dogs[0], 0, 1984, 32, Augmentation())
    assert (images.shape, images.dtype, labels.shape) == ((32, 150, 150, 3), np.float32, (32,))
    assert 0 <= images.min() < 0.1 < 0.9 < images.max() <= 1


def test_an_unpacked_zip_gives_the_same_images(cats_and_dogs, shared_data, tmp_path):
    with zipfile.ZipFile(shared_data / "cats_dogs_150.zip") as archive:
        few = [name for name in archive.namelist() if name.split(".")[-2].endswith("00")]
        archive.extractall(tmp_path / "pets", few)
    train, _ = load_dataset(tmp_path / "pets")
    shutil.rmtree(tmp_path / "pets")
    stored = {image.tobytes() for image in cats_and_dogs[0].images}
    assert all(image.tobytes() in stored for image in train.images)
