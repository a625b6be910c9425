"""A program of its own that opens one PDF and says how many pages it has, or draws one of them as a PNG.

    python -I page_renderer.py count                < file.pdf  > number
    python -I page_renderer.py draw PAGE WIDTH      < file.pdf  > picture.png

Pages count from 1; WIDTH is in pixels. It is started by ``previews.py`` for every page anew and imports nothing of the
application, because PDFium is a large machine written in C++ that reads what strangers wrote: whatever a hostile file
does to it ends with this process. The exit status says what went wrong.
"""

import ctypes
import importlib.util
import math
import os
import resource
import struct
import sys
import zlib

import pypdfium2_raw as pdfium

DAMAGED, LOCKED, NO_SUCH_PAGE = 3, 4, 5
MOST_MEMORY = 768 * 1024 * 1024  # bytes of address space
MOST_SECONDS = 5  # of processor time
MOST_PIXELS = 6_000_000  # a page of 900 by 6600
_WHITE = 0xFFFFFFFF


def main(arguments: list[str]) -> int:
    """Does what the arguments ask; answers the exit status."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = sys.stdin.buffer.read()
    pdfium.FPDF_InitLibraryWithConfig(_with_fonts())
    document = pdfium.FPDF_LoadMemDocument64(content, len(content), None)
    if not document:
        locks = (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        return LOCKED if pdfium.FPDF_GetLastError() in locks else DAMAGED
    pages = pdfium.FPDF_GetPageCount(document)
    if pages < 1:
        return DAMAGED
    if arguments[0] == "count":
        sys.stdout.buffer.write(str(pages).encode())
        return 0
    number, width = int(arguments[1]), int(arguments[2])
    if not 1 <= number <= pages:
        return NO_SUCH_PAGE
    picture = draw(document, number, width)
    sys.stdout.buffer.write(picture or b"")
    return 0 if picture else DAMAGED


def _with_fonts() -> "pdfium.FPDF_LIBRARY_CONFIG":
    """PDFium with our own Chinese fonts beside the system's.

    Many contracts name a font without carrying it, and a server need not have any: their pages would come out blank.
    """
    ours = importlib.util.find_spec("pylopdf_fonts_zh_cn")
    folders = [os.path.dirname(ours.origin)] if ours and ours.origin else []
    folders += ["/usr/share/fonts", "/usr/local/share/fonts"]
    text = ctypes.POINTER(ctypes.c_char)
    paths = [ctypes.cast(ctypes.c_char_p(folder.encode()), text) for folder in folders]
    ended = (text * (len(paths) + 1))(*paths)  # the last stays empty
    return pdfium.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=ended)


def draw(document: "pdfium.FPDF_DOCUMENT", number: int, width: int) -> bytes | None:
    """The page as a PNG of that width, narrower where its height would make it too large; None if it is damaged."""
    page = pdfium.FPDF_LoadPage(document, number - 1)
    if not page:
        return None
    across, down = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    if not (across > 0 and down > 0):
        return None
    width, height = pixels(across, down, width)
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_BGRx, None, 0)
    if not bitmap:
        return None
    pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, _WHITE)
    pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, pdfium.FPDF_REVERSE_BYTE_ORDER)
    stride = pdfium.FPDFBitmap_GetStride(bitmap)
    start = ctypes.cast(pdfium.FPDFBitmap_GetBuffer(bitmap), ctypes.POINTER(ctypes.c_ubyte * (stride * height)))
    return png(bytes(start.contents), width, height, stride)


def pixels(across: float, down: float, width: int) -> tuple[int, int]:
    """Width and height of the picture of a page of these points, at most ``width`` wide and never too large."""
    tallest = MOST_PIXELS / down * across  # width² that fills the limit
    width = max(1, min(width, math.isqrt(int(tallest))))
    return width, max(1, min(round(width * down / across), MOST_PIXELS // width))


def png(pixels: bytes, width: int, height: int, stride: int) -> bytes:
    """A PNG (ISO/IEC 15948) of red, green, blue and one unused byte for each pixel, lines ``stride`` bytes apart.

    A page without colours, as most contracts are, gets one byte for each pixel instead of three.
    """
    colours = [pixels[place::4] for place in range(3)]
    is_grey = colours[0] == colours[1] == colours[2]
    samples = 1 if is_grey else 3
    lines = bytearray()
    for start in range(0, stride // 4 * height, stride // 4):
        line = bytearray(samples * width)
        for place in range(samples):
            line[place::samples] = colours[place][start : start + width]
        lines += b"\0" + line  # each line names its filter: none
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if is_grey else 2, 0, 0, 0)  # 8 bits; grey, or 3 colours
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(lines), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
