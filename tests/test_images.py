"""Image files as users have them: cut short, 16 bits deep, turned, transparent, oddly named."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from inspector.errors import DataError, SinkError
from inspector.images import as_bgr, find_images, read_image, write_image


def part_image(height: int = 40, width: int = 60) -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (7, 7), 0)


def encoded(suffix: str, image: NDArray[np.generic], *options: int) -> bytes:
    return cv2.imencode(suffix, image, options)[1].tobytes()


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def exif(orientation: int) -> bytes:
    return b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x112, 3, 1, orientation, 0, 0)


def with_segment(jpeg: bytes, data: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data + jpeg[2:]


def refused(path: Path, data: bytes) -> str:
    """The one line with which a file of this content is refused."""
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_image(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
def test_lossless_files_are_read_as_they_are(tmp_path, suffix):
    path = tmp_path / f"part{suffix}"
    path.write_bytes(encoded(suffix, part_image(), cv2.IMWRITE_WEBP_QUALITY, 101))
    np.testing.assert_array_equal(read_image(path), part_image())


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_gray_is_expanded(tmp_path, suffix):
    path = tmp_path / f"gray{suffix}"
    path.write_bytes(encoded(suffix, np.full((30, 20), 77, np.uint8)))
    image = read_image(path)
    assert image.shape == (30, 20, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert np.all(image == 77)


def test_content_counts_not_the_suffix(tmp_path):
    path = tmp_path / "png_inside.jpg"
    path.write_bytes(encoded(".png", part_image()))
    np.testing.assert_array_equal(read_image(path), part_image())


def test_names_need_not_be_ascii(tmp_path):
    path = tmp_path / "tëil 检查" / "größe_№1.png"
    path.parent.mkdir()
    write_image(path, part_image())
    np.testing.assert_array_equal(read_image(path), part_image())


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff"])
def test_exif_orientation_is_honoured(tmp_path, kind):
    upright = np.rot90(part_image(), k=-1)  # orientation 6: turn clockwise to show
    path = tmp_path / "turned"
    if kind == "jpeg":
        path.write_bytes(with_segment(encoded(".jpg", part_image()), b"Exif\0\0" + exif(6)))
    elif kind == "png":
        png = encoded(".png", part_image())
        path.write_bytes(png[:33] + png_chunk(b"eXIf", exif(6)) + png[33:])
    else:
        path.write_bytes(turned_tiff(part_image(), 6))
    image = read_image(path)
    assert image.shape == upright.shape
    assert np.abs(image.astype(int) - upright).mean() < 5  # JPEG is not exact


def turned_tiff(image: NDArray[np.uint8], orientation: int) -> bytes:
    """One uncompressed strip, with an orientation tag."""
    height, width = image.shape[:2]
    pixels_at = 8 + 2 + 10 * 12 + 4 + 6
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, pixels_at - 6), (259, 3, 1, 1), (262, 3, 1, 2)]
    tags += [(273, 4, 1, pixels_at), (274, 3, 1, orientation), (277, 3, 1, 3), (278, 3, 1, height)]
    tags += [(279, 4, 1, image.size)]
    entries = b"".join(
        struct.pack("<HHI", tag, kind, count)
        + (struct.pack("<HH", value, 0) if (kind, count) == (3, 1) else struct.pack("<I", value))
        for tag, kind, count, value in tags
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I3H", 0, 8, 8, 8)
    return head + image[..., ::-1].tobytes()


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_more_than_8_bits_are_refused(tmp_path, dtype):
    message = refused(tmp_path / "deep.tif", encoded(".tif", part_image().astype(dtype)))
    assert "convert to 8 bit with a fixed scale first" in message
    assert np.dtype(dtype).name in message


def test_16_bit_png_is_refused(tmp_path):
    gray = np.full((9, 9), 300, np.uint16)
    assert "8 bit wanted" in refused(tmp_path / "deep.png", encoded(".png", gray))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_opaque_alpha_is_dropped_and_transparency_refused(tmp_path, suffix):
    alpha = np.full(part_image().shape[:2], 255, np.uint8)
    opaque = tmp_path / f"opaque{suffix}"
    lossless = (cv2.IMWRITE_WEBP_QUALITY, 101)
    opaque.write_bytes(encoded(suffix, np.dstack([part_image(), alpha]), *lossless))
    np.testing.assert_array_equal(read_image(opaque), part_image())
    alpha[3, 4] = 254
    transparent = encoded(suffix, np.dstack([part_image(), alpha]), *lossless)
    assert "transparent" in refused(tmp_path / f"clear{suffix}", transparent)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("baseline.jpg", encoded(".jpg", part_image(200, 300))),
        ("progressive.jpg", encoded(".jpg", part_image(200, 300), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        ("thumbnail.jpg", with_segment(encoded(".jpg", part_image(200, 300)), encoded(".jpg", part_image()))),
        ("part.png", encoded(".png", part_image(200, 300))),
        ("part.tif", encoded(".tif", part_image(200, 300))),
        ("part.bmp", encoded(".bmp", part_image(200, 300))),
        ("part.webp", encoded(".webp", part_image(200, 300))),
    ],
)
def test_cut_files_are_refused_wherever_the_cut(tmp_path, name, data):
    whole = tmp_path / f"whole_{name}"
    whole.write_bytes(data)
    assert read_image(whole).shape == (200, 300, 3)
    cuts = {*range(1, 40), *range(40, len(data), len(data) // 40), *range(len(data) - 16, len(data))}
    for cut in cuts:
        message = refused(tmp_path / name, data[:cut])
        if cut >= 8 and name.endswith(("jpg", "png")):  # found by us: versions of OpenCV differ in what they refuse
            assert "cut short" in message


def test_preallocated_jpeg_that_was_never_finished_is_refused(tmp_path):
    jpeg = encoded(".jpg", part_image())
    assert "cut short" in refused(tmp_path / "zeros.jpg", jpeg[: len(jpeg) // 2] + bytes(len(jpeg)))


def noise_image(height: int = 400, width: int = 400) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("block", "options"),
    [
        (512, ()),
        (512, (cv2.IMWRITE_JPEG_RST_INTERVAL, 4)),
        (4096, (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),  # its finer scans may spell zeros as well
    ],
)
def test_a_block_of_zeros_inside_a_jpeg_is_found_wherever_it_lies(tmp_path, block, options):
    jpeg = encoded(".jpg", noise_image(), *options)
    for at in range(1024, len(jpeg) - block, len(jpeg) // 20):
        message = refused(tmp_path / "hole.jpg", jpeg[:at] + bytes(block) + jpeg[at + block :])
        assert "damaged" in message or "cut short" in message


@pytest.mark.parametrize("optimised", [False, True])
def test_a_flat_picture_is_no_hole(tmp_path, optimised):
    path = tmp_path / "flat.jpg"
    for gray in (0, 128, 255):
        Image.new("RGB", (1000, 1000), (gray, gray, gray)).save(path, optimize=optimised)
        assert read_image(path).shape == (1000, 1000, 3)
        path.write_bytes(path.read_bytes() + bytes(5000))  # space that was never used
        assert read_image(path).shape == (1000, 1000, 3)


def test_a_cut_jpeg_with_an_end_marker_is_refused(tmp_path, capfd):
    jpeg = encoded(".jpg", noise_image())
    for share in (0.25, 0.5, 0.99):
        assert "damaged (" in refused(tmp_path / "cut.jpg", jpeg[: int(share * len(jpeg))] + b"\xff\xd9")
    assert capfd.readouterr() == ("", "")  # the library's own line would name no file


@pytest.mark.parametrize("options", [(), (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)])
@pytest.mark.parametrize("shape", [(40, 60, 3), (41, 59, 3), (40, 60)])
def test_a_whole_jpeg_has_the_pixels_that_opencv_gives(tmp_path, options, shape):
    pixels = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "part.jpg"
    path.write_bytes(encoded(".jpg", pixels, *options))
    np.testing.assert_array_equal(read_image(path), cv2.imread(str(path)))


def test_a_cmyk_jpeg_is_read_as_before(tmp_path):
    path = tmp_path / "print.jpg"
    Image.fromarray(part_image()).convert("CMYK").save(path)
    np.testing.assert_array_equal(read_image(path), cv2.imread(str(path)))


def test_bytes_behind_the_end_of_a_jpeg_do_no_harm(tmp_path):
    path = tmp_path / "padded.jpg"
    path.write_bytes(encoded(".jpg", part_image()) + bytes(100))
    assert read_image(path).shape == (40, 60, 3)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "webp"])
def test_a_file_spoilt_anywhere_is_an_image_or_one_line(tmp_path, suffix):
    Image.fromarray(part_image(16, 24)).save(tmp_path / f"whole.{suffix}")
    whole = (tmp_path / f"whole.{suffix}").read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / f"spoilt.{suffix}"
    said = []
    for _ in range(300):
        data = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for at in rng.integers(0, min(len(data), 120), rng.integers(1, 4)):  # most of them in the headers
            data[at] = rng.integers(0, 256)
        path.write_bytes(data)
        try:
            assert read_image(path).shape[2] == 3
        except DataError as error:
            said.append(str(error))
    assert said
    assert all(path.name in message and "\n" not in message for message in said)


def test_what_is_no_image_is_refused(tmp_path):
    assert "empty" in refused(tmp_path / "empty.png", b"")
    assert "not an image" in refused(tmp_path / "text.png", b"good part\n" * 100)
    with pytest.raises(DataError, match=r"gone\.png: cannot be read: No such file"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(DataError, match="not a file"):
        read_image(tmp_path)


def test_huge_images_are_refused_before_memory_runs_out(tmp_path):
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    data = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"")) + png_chunk(b"IEND", b"")
    assert "60000 x 60000 px, more than 200 megapixels" in refused(tmp_path / "huge.png", b"\x89PNG\r\n\x1a\n" + data)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "webp"])
def test_very_large_images_are_refused_by_their_header(tmp_path, suffix):
    """20,000 x 20,000 px say the headers; there are no pixels behind them that could be decoded."""
    small, side = encoded(f".{suffix}", part_image(40, 60)), 20_000
    data = bytearray(small)
    if suffix == "png":
        data[16:24] = struct.pack(">II", side, side)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    elif suffix == "jpg":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", side, side)
    elif suffix == "bmp":
        data[18:26] = struct.pack("<ii", side, side)
    elif suffix == "tif":
        Image.new("1", (side, side)).save(tmp_path / "large.tif")
        data = (tmp_path / "large.tif").read_bytes()
    else:
        data[12:30] = b"VP8X" + struct.pack("<II", 10, 0) + (side - 1).to_bytes(3, "little") * 2
    assert "20000 x 20000 px, more than 200 megapixels" in refused(tmp_path / f"large.{suffix}", bytes(data))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pages.tif", {}),
        ("moves.png", {}),
        ("moves.webp", {"lossless": True}),
        ("pages_lzw.tif", {"compression": "tiff_lzw"}),
    ],
)
def test_several_pictures_in_one_file_are_refused(tmp_path, name, options):
    one, other = Image.fromarray(part_image()), Image.fromarray(255 - part_image())
    one.save(tmp_path / "whole", format=Path(name).suffix[1:].replace("tif", "tiff"), **options)
    assert read_image(tmp_path / "whole").shape == (40, 60, 3)
    one.save(tmp_path / name, save_all=True, append_images=[other], **options)
    assert "holds 2 pictures or more" in refused(tmp_path / name, (tmp_path / name).read_bytes())


def test_a_preview_in_a_tiff_is_no_picture_of_its_own(tmp_path):
    path = tmp_path / "preview.tif"
    with TiffImagePlugin.AppendingTiffWriter(str(path), True) as file:
        Image.fromarray(part_image()[..., ::-1]).save(file, format="TIFF")
        file.newFrame()
        preview = TiffImagePlugin.ImageFileDirectory_v2()
        preview[254] = 1
        Image.fromarray(part_image(10, 15)).save(file, format="TIFF", tiffinfo=preview)
    np.testing.assert_array_equal(read_image(path), part_image())


@pytest.mark.parametrize(("mode", "value"), [("L", 5), ("RGB", (5, 5, 5))])
def test_a_colour_that_a_png_calls_transparent_is_refused_where_it_occurs(tmp_path, mode, value):
    gray = np.full((20, 30), 77, np.uint8)
    for number, pixel in enumerate([77, 5]):
        gray[3, 4] = pixel
        Image.fromarray(gray).convert(mode).save(tmp_path / f"{number}.png", transparency=value)
    assert read_image(tmp_path / "0.png").shape == (20, 30, 3)
    assert "transparent" in refused(tmp_path / "1.png", (tmp_path / "1.png").read_bytes())


def test_cielab_is_refused(tmp_path):
    Image.fromarray(part_image()).convert("LAB").save(tmp_path / "lab.tif")
    assert "CIELAB" in refused(tmp_path / "lab.tif", (tmp_path / "lab.tif").read_bytes())


def test_the_unused_byte_of_a_bmp_is_no_transparency(tmp_path):
    pixels = np.dstack([part_image(), np.zeros((40, 60), np.uint8)])[::-1].tobytes()
    header = struct.pack("<IiiHHIIiiII", 40, 60, 40, 1, 32, 0, len(pixels), 0, 0, 0, 0)
    path = tmp_path / "part.bmp"
    path.write_bytes(b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + header + pixels)
    np.testing.assert_array_equal(read_image(path), part_image())


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_damage_that_a_file_has_a_sum_for_is_found(tmp_path, suffix):
    path = tmp_path / f"part.{suffix}"
    Image.fromarray(noise_image(100, 100)).save(
        path, **({"compression": "tiff_adobe_deflate"} if suffix == "tif" else {})
    )
    whole = path.read_bytes()
    for at in range(200, len(whole) - 300, len(whole) // 9):
        assert "damaged" in refused(path, whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])


def test_small_print_that_the_library_would_complain_about_is_left_out(tmp_path, capfd):
    png = encoded(".png", part_image())
    path = tmp_path / "part.png"
    path.write_bytes(png[:33] + png_chunk(b"iCCP", b"x\0\0" + zlib.compress(b"junk")) + png[33:])
    np.testing.assert_array_equal(read_image(path), part_image())
    middle = len(png) // 2
    refused(path, png[:middle] + bytes([png[middle] ^ 1]) + png[middle + 1 :])
    assert capfd.readouterr() == ("", "")


def test_images_of_other_formats_are_counted_in_one_line(tmp_path, caplog):
    for name in ["a.png", "b.heic", "c.HEIC", "d.jfif", "e.pgm", "notes.txt"]:
        (tmp_path / name).touch()
    assert [path.name for path in find_images(tmp_path)] == ["a.png"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: passed over 2 .heic, 1 .jfif, 1 .pgm: convert them to PNG"
    ]


def test_bad_files_leave_the_terminal_alone(tmp_path, capfd):
    png, tiff = encoded(".png", part_image()), encoded(".tif", part_image())
    for name, data in {"a.png": png[:200], "b.tif": tiff[:200], "c.webp": b"RIFF1234WEBP", "d.jpg": b"junk"}.items():
        refused(tmp_path / name, data)
    assert capfd.readouterr() == ("", "")


def test_two_channels_are_refused():
    with pytest.raises(DataError, match="camera 0: 2 channels"):
        as_bgr(np.zeros((4, 4, 2), np.uint8), "camera 0")


def test_images_are_found_in_natural_order(tmp_path):
    names = ["img10.png", "img2.PNG", "img1.jpeg", "b/img3.tif", "B10/x.webp", "B9/x.bmp", "a.txt", ".hidden.png"]
    for name in [*names, ".cache/x.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert found == ["b/img3.tif", "B9/x.bmp", "B10/x.webp", "img1.jpeg", "img2.PNG", "img10.png"]


def test_numbers_are_ordered_even_where_names_start_with_them(tmp_path):
    for name in ["10.png", "9.png", "x.png", "09.png"]:
        (tmp_path / name).touch()
    assert [path.name for path in find_images(tmp_path)] == ["09.png", "9.png", "10.png", "x.png"]


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match="holds no images"):
        find_images(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        find_images(tmp_path / "missing")


def test_what_cannot_be_written_is_one_line(tmp_path):
    for path in [tmp_path / "missing" / "a.png", tmp_path / "a.xyz", tmp_path / "a"]:
        with pytest.raises(SinkError) as caught:
            write_image(path, part_image())
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(SinkError, match=r"folder\.png"):
        write_image(tmp_path / "folder.png", part_image())
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_a_full_disk_leaves_no_half_file_and_the_old_one_whole(tmp_path):
    resource = pytest.importorskip("resource")  # limits how large a file may grow, as a full disk does
    path = tmp_path / "part.png"
    write_image(path, part_image(8, 8))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(SinkError, match=r"part\.png: cannot be written: File too large"):
            write_image(path, part_image(200, 200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == [path]
    np.testing.assert_array_equal(read_image(path), part_image(8, 8))
