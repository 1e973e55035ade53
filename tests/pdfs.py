"""PDFs for tests and for the fuzzer: written from their objects, so that the table is right."""

from __future__ import annotations

import io
import re
import zlib

FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
PAGE = (b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        b"/Resources<</Font<</F1 %s>>>>>>" % FONT)  # fmt: skip
CATALOGUE = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
ROOT = b"<</Root 1 0 R>>"


def written(objects: dict[int, bytes], trailer: bytes = ROOT) -> bytes:
    """A PDF of these objects; 1 is the catalogue."""
    whole, places = b"%PDF-1.5\n", {}
    for number, body in objects.items():
        places[number] = len(whole)
        whole += b"%d 0 obj%s\nendobj\n" % (number, body)
    size, start = max(objects) + 1, len(whole)
    rows = b"".join(
        b"%010d 00000 %s \n" % (places.get(n, 0), b"n" if n in places else b"f")
        for n in range(size)
    )
    trailer = trailer.replace(b"<<", b"<</Size %d" % size, 1)
    return whole + b"xref\n0 %d\n%strailer%s\nstartxref\n%d\n%%%%EOF\n" % (
        size, rows, trailer, start,
    )  # fmt: skip


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), entries, content)


# --- for the fuzzer -------------------------------------------------------------------------------

END = b"endobj"


def made(data: bytes) -> bytes:
    """The PDF whose objects stand in `data`, with `endobj` between them, and its trailer last.

    Streams are deflated here where they say that they are: so their words can be changed.
    """
    *bodies, trailer = data.split(END)
    if not bodies:
        return data
    return written({n: _packed(body) for n, body in enumerate(bodies, 1)}, trailer)


def _packed(body: bytes) -> bytes:
    head, opened, rest = body.partition(b"stream\n")
    content, closed, after = rest.rpartition(b"\nendstream")
    if not (opened and closed):
        return body
    if b"/FlateDecode" in head:
        content = zlib.compress(content, 1)
    head = re.sub(rb"/Length \d+", b"/Length %d" % len(content), head)
    return head + opened + content + closed + after


def _objects(page: bytes, *others: bytes, trailer: bytes = ROOT) -> bytes:
    return END.join((CATALOGUE, PAGES, page, *others, trailer))


def _with_resources(resources: bytes) -> bytes:
    start = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<<"
    return start + resources + b">>>>"


def encrypted() -> bytes:
    """A page that opens with an empty password."""
    from pypdf import PdfReader, PdfWriter

    writer, out = PdfWriter(), io.BytesIO()
    plain = _objects(PAGE, stream(b"BT /F1 12 Tf 72 700 Td (the old mill) Tj ET"))
    writer.append(PdfReader(io.BytesIO(made(plain))))
    writer.encrypt("", algorithm="RC4-40")
    writer.write(out)
    return out.getvalue()


def with_object_stream() -> bytes:
    """The same, its objects and its table in streams."""
    whole, rows = b"%PDF-1.5\n", [bytes(4)]
    inner = [CATALOGUE, PAGES, PAGE]
    starts = [sum(len(body) + 1 for body in inner[:n]) for n in range(3)]
    head = b" ".join(b"%d %d" % (n + 1, start) for n, start in enumerate(starts)) + b"\n"
    rows += [b"\2" + (5).to_bytes(2, "big") + bytes([n]) for n in range(3)]
    packed = head + b"\n".join(inner)
    bodies = (
        stream(b"BT /F1 12 Tf 72 700 Td (the old mill) Tj ET"),
        stream(packed, b"/Type/ObjStm/N 3/First %d" % len(head)),
    )
    for number, body in enumerate(bodies, 4):
        rows.append(b"\1" + len(whole).to_bytes(2, "big") + b"\0")
        whole += b"%d 0 obj%s\nendobj\n" % (number, body)
    rows.append(b"\1" + len(whole).to_bytes(2, "big") + b"\0")
    table = stream(b"".join(rows), b"/Type/XRef/W[1 2 1]/Size 7/Root 1 0 R")
    return whole + b"6 0 obj%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (table, len(whole))


def lzw(content: bytes) -> bytes:
    """Without any repetition found: a start, every byte as it is, an end, nine bits each."""
    bits = "".join(f"{code:09b}" for code in (256, *content, 257))
    return int(bits.ljust(-len(bits) % 8 + len(bits), "0"), 2).to_bytes(-(-len(bits) // 8), "big")


WORKS = (  # a page's content: showing, moving, nesting
    b"q 1 0 0 1 9 9 cm BT /F1 12 Tf 72 700 Td (the old mill) Tj 0 -14 TD [(gro) -250 (und)] TJ "
    b"T* (corn\\050\\) \\\r\n) ' 2 1 (flour) \" 1 0 0 1 72 600 Tm 14 TL 3 Tr 2 Tc 1 Tw 90 Tz 4 Ts "
    b"<FEFF006D> Tj ET Q BI /W 2 /H 2 /BPC 8 /CS /G /F /AHx ID 00ff00ff> EI "
    b"/P <</MCID 0>> BDC EMC /X1 Do"
)
CMAP = (
    b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <FFFF> "
    b"endcodespacerange 2 beginbfchar <0001> <0074> <0002> <D83DDE00> endbfchar "
    b"2 beginbfrange <0003> <0009> <0061> <000A> <000C> [<0062> <0063> <0064>] endbfrange endcmap"
)
TYPE0 = (
    b"/Font<</F1<</Type/Font/Subtype/Type0/BaseFont/Mill/Encoding/Identity-H/ToUnicode 5 0 R"
    b"/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/Mill/DW 1000"
    b"/W[1[500 600]3 9 700]/FontDescriptor<</Type/FontDescriptor/Flags 4/MissingWidth 300>>>>]>>>>"
)
NAMED = (
    b"/Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Mill/FirstChar 32/LastChar 34"
    b"/Widths[250 333 408]/Encoding<</BaseEncoding/MacRomanEncoding"
    b"/Differences[39/quotesingle 96/grave/uni4E00/g12]>>>>>>/XObject<</X1 5 0 R>>"
)
FORM = (
    b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Matrix[1 0 0 1 0 0]"
    b"/Resources<</XObject<</X1 5 0 R>>>>"
)
A85 = b"6<#'\\7PQ#@1a#b0+>GQ(+?(u.+B2ko-qIocCi:FtDfTZ).9(%)78s~>"
PREDICTED = (
    b"/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 4/Colors 1/BitsPerComponent 8>>"
)
HEX = b"42540a2f46312031322054660a28746865206d696c6c2920546a0a4554>"

SEEDS = [
    _objects(PAGE, stream(WORKS)),
    _objects(PAGE, stream(WORKS, b"/Filter/FlateDecode")),
    _objects(_with_resources(TYPE0), stream(b"BT /F1 9 Tf <000100020005000B> Tj ET"), stream(CMAP)),
    _objects(_with_resources(NAMED), stream(b"/X1 Do " + WORKS), stream(WORKS, FORM)),
    _objects(PAGE, stream(A85, b"/Filter/ASCII85Decode")),
    _objects(PAGE, stream(HEX, b"/Filter[/ASCIIHexDecode]")),
    _objects(PAGE, stream(lzw(b"BT (the mill) Tj ET"), b"/Filter/LZWDecode")),
    _objects(PAGE, stream(b"\4BT (m\xfei\7) Tj ET \x80", b"/Filter/RunLengthDecode")),
    _objects(PAGE, stream(b"\0BT (\0mill\1) Tj\2\0\0\0\0\3\0\0\0\0\4\0\0\0\0", PREDICTED)),
    _objects(b"<</Type/Pages/Kids[5 0 R 5 0 R]/Count 2/Parent 2 0 R>>", stream(WORKS), PAGE),
]  # fmt: skip
WORDS = (
    "/Filter", "/FlateDecode", "/LZWDecode", "/ASCII85Decode", "/ASCIIHexDecode", "/Length ",
    "/RunLengthDecode", "/DCTDecode", "/CCITTFaxDecode", "/JBIG2Decode", "/Crypt", "/DecodeParms",
    "/Predictor ", "/Columns ", "/Colors ", "/EarlyChange 0", "/Type/ObjStm", "/Type/XRef",
    "/Prev ", "/Kids[", "/Count ", "/Parent ", "/Contents ", "/Resources", "/Font<<",
    "/Subtype/Type0", "/Subtype/Type3", "/Subtype/TrueType", "/ToUnicode ", "/Encoding/",
    "/Differences[", "/Identity-H", "/GBK-EUC-H", "/WinAnsiEncoding", "/DescendantFonts[",
    "/Widths[", "/W[", "/FontDescriptor", "/XObject<<", "/Form", "/Rotate 90", "/Encrypt",
    "/Annots[", " 0 R", " obj", "endobj", "stream\\x0a", "\\x0aendstream", "begincmap",
    "beginbfrange", "endbfrange", "beginbfchar", "endbfchar", "begincodespacerange", "usecmap",
    " Tj", " TJ", " Tm", " Td", " cm", " Do", "BI ", " ID ", " EI", "BT ", " ET", " q ", " Q ",
    " BDC", " EMC", "<<", ">>", "null", "true", "-1", "99999999999", "0.0000001", "1e9",
    "startxref", "trailer", "%%EOF",
)  # fmt: skip
