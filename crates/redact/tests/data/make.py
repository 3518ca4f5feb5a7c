"""Makes the documents of this folder; run at development time only.

Needs python-docx 1.2, openpyxl 3.1 and python-pptx 1.0 from PyPI. Everybody in them is invented:
the numbers are test patterns, the mailboxes lie at reserved domains.
"""
import io
import struct
import zlib

import docx
import openpyxl
import pptx
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from pptx.util import Inches

NAME, MOBILE, ID = "欧阳小明", "13800138000", "440308199901101512"
EMAIL = "ouyang@example.com"
SECOND, SECOND_MOBILE, SECOND_ID = "慕容雪", "13900139000", "110105198003072827"


def png():
    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"\xff\0\0" * 8 for _ in range(8))
    text = chunk(b"tEXt", ("Comment\0owner " + MOBILE).encode("latin-1"))
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + text + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def word():
    d = docx.Document()
    d.core_properties.author = NAME
    d.core_properties.title = "投诉 " + MOBILE
    p = d.add_paragraph("投诉人姓名：")
    for c in NAME:
        p.add_run(c).bold = True
    p.add_run("，身份证号")
    for part in (ID[:3], ID[3:9], ID[9:14], ID[14:17], ID[17:]):
        p.add_run(part)
    p.add_run("。")
    p = d.add_paragraph("电话 ")
    for part in ("138", "0013", "8000"):
        p.add_run(part)
    d.add_comment(p.runs, text="请联系" + SECOND + " " + SECOND_MOBILE, author=SECOND, initials="MR")
    d.add_paragraph(NAME + "再次来电。")
    t = d.add_table(rows=3, cols=3)
    for r, row in enumerate((("姓名", "手机号", "备注"), (NAME, MOBILE, "甲"), (SECOND, SECOND_MOBILE, "乙"))):
        for c, value in enumerate(row):
            t.cell(r, c).text = value
    d.sections[0].header.paragraphs[0].text = "经办 " + MOBILE
    d.sections[0].footer.paragraphs[0].text = "邮箱 " + EMAIL
    body = d.element.body
    ns = nsdecls("w")
    body.insert(0, parse_xml(f'<w:p {ns} w:rsidR="00AB12CD"><w:del w:id="90" w:author="{SECOND}" w:date="2026-01-02T03:04:05Z"><w:r><w:delText>删去的 {SECOND_ID}</w:delText></w:r></w:del><w:ins w:id="91" w:author="{SECOND}"><w:r><w:t>补上的话</w:t></w:r></w:ins></w:p>'))
    body.insert(1, parse_xml(f'<w:p {ns}><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> HYPERLINK "mailto:{EMAIL}" </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>写信</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'))
    body.insert(2, parse_xml(f'<w:sdt {ns}><w:sdtPr><w:alias w:val="{NAME}"/><w:tag w:val="{MOBILE}"/></w:sdtPr><w:sdtContent><w:p><w:r><w:t>内容控件里的邮箱 {EMAIL}</w:t></w:r></w:p></w:sdtContent></w:sdt>'))
    d.add_picture(png(), width=Inches(1))
    pr = d.inline_shapes[0]._inline.docPr
    pr.set("descr", NAME + "的身份证 " + ID)
    pr.set("name", NAME + ".png")
    rid = d.part.relate_to("mailto:" + EMAIL, RT.HYPERLINK, is_external=True)
    p = d.add_paragraph()
    p._p.append(parse_xml(f'<w:hyperlink {nsdecls("w", "r")} r:id="{rid}" w:tooltip="{EMAIL}"><w:r><w:t>联系我们</w:t></w:r></w:hyperlink>'))
    ole = Part(PackURI("/word/embeddings/oleObject1.bin"), "application/vnd.openxmlformats-officedocument.oleObject", ("旧名单 " + MOBILE).encode("utf-16-le"), d.part.package)
    rid = d.part.relate_to(ole, RT.OLE_OBJECT)
    p = d.add_paragraph("附件：")
    p.add_run()._r.append(parse_xml(f'<w:object {nsdecls("w", "r")} xmlns:o="urn:schemas-microsoft-com:office:office"><o:OLEObject Type="Embed" ProgID="Package" r:id="{rid}"/></w:object>'))
    d.part.relate_to(Part(PackURI("/customXml/item9.xml"), "application/xml", f"<a>{NAME}</a>".encode(), d.part.package), RT.CUSTOM_XML)
    box = f'<w:p {nsdecls("w")} xmlns:v="urn:schemas-microsoft-com:vml"><w:r><w:pict><v:shape alt="{NAME}" style="width:100pt;height:20pt"><v:textbox><w:txbxContent><w:p><w:r><w:t>框内电话 {SECOND_MOBILE[:5]}</w:t></w:r><w:r><w:t>{SECOND_MOBILE[5:]}</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>'
    body.insert(3, parse_xml(box))
    d.settings.element.append(parse_xml(f'<w:docVars {ns}><w:docVar w:name="owner" w:val="{MOBILE}"/></w:docVars>'))
    d.save("complaint.docx")


def sheet():
    b = openpyxl.Workbook()
    b.properties.creator = NAME
    s = b.active
    s.title = "名单"
    s.append(["姓名", "手机号", "身份证号", "金额", "生日"])
    people = [(NAME, int(MOBILE), ID), (SECOND, int(SECOND_MOBILE), SECOND_ID)]
    names = "赵一鸣 钱多多 孙悦然 李思远 周文博 吴晓丽 郑凯文 王若曦".split()
    people += [(n, 13700137000 + i, None) for i, n in enumerate(names)]
    import datetime
    for i, (n, m, d) in enumerate(people):
        s.append([n, m, d, 100 + i, datetime.date(1990, 1 + i, 3)])
    s["F2"] = "=A2&B2"
    s["F3"] = f'=HYPERLINK("mailto:{EMAIL}","写信")'
    s["A2"].comment = Comment("电话 " + SECOND_MOBILE, SECOND)
    s["G2"] = "邮箱"
    s["G2"].hyperlink = "mailto:" + EMAIL
    s.row_dimensions[3].hidden = True
    v = DataValidation(type="list", formula1=f'"{NAME},{SECOND}"')
    s.add_data_validation(v)
    v.add("H2")
    s.oddHeader.center.text = "联系人 " + MOBILE
    s.auto_filter.ref = "A1:E11"
    s.auto_filter.add_filter_column(0, [NAME])
    c = BarChart()
    c.add_data(Reference(s, min_col=4, min_row=1, max_row=4), titles_from_data=True)
    s.add_chart(c, "J2")
    h = b.create_sheet("隐藏 " + MOBILE)
    h.sheet_state = "hidden"
    h["A1"] = "备注"
    h["A2"] = "银行卡 6222021234567890128，邮箱 " + EMAIL
    b.defined_names["owner"] = DefinedName("owner", attr_text=f'"{NAME}"')
    b.save("members.xlsx")


def slides():
    p = pptx.Presentation()
    p.core_properties.author = NAME
    s = p.slides.add_slide(p.slide_layouts[5])
    s.shapes.title.text = "客户 " + NAME
    f = s.shapes.add_textbox(Inches(1), Inches(1), Inches(5), Inches(1)).text_frame
    para = f.paragraphs[0]
    for part in ("手机：", "138", "00138", "000"):
        para.add_run().text = part
    para = f.add_paragraph()
    run = para.add_run()
    run.text = "写信"
    run.hyperlink.address = "mailto:" + EMAIL
    t = s.shapes.add_table(3, 2, Inches(1), Inches(3), Inches(4), Inches(1)).table
    for r, row in enumerate((("姓名", "电话"), (NAME, MOBILE), (SECOND, SECOND_MOBILE))):
        for c, value in enumerate(row):
            t.cell(r, c).text = value
    s.notes_slide.notes_text_frame.text = "备注：身份证号 " + ID
    pic = s.shapes.add_picture(png(), Inches(6), Inches(1))
    pic._element.nvPicPr.cNvPr.set("descr", NAME)
    s.shapes.add_ole_object(io.BytesIO(("旧 " + MOBILE).encode("utf-16-le")), prog_id="Package", left=Inches(6), top=Inches(3))
    p.save("customers.pptx")


word()
sheet()
slides()
