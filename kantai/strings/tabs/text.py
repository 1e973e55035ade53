"""Sentences of the tab Text: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    "text_lead": (
        "A model can only learn what stands in its text, so the text is cleaned first.",
        "模型只能学到文本里有的东西，所以先要清理文本。",
    ),
    "text_rest": (
        "Line breaks, page marks and repeated paragraphs would be learned like words. Nothing "
        "is changed without telling you.",
        "换行、页码和重复段落会被当成词来学；做了哪些改动，都会告诉你。",
    ),
    "source": ("Where the text comes from", "文本来源"),
    "source_sample": ("Sample", "示例"),
    "source_files": ("Files", "文件"),
    "source_paste": ("Paste", "粘贴"),
    "source_book": ("Book", "书籍"),
    "book_info": (
        "Choose a book of Project Gutenberg, or type the number of any other; it is fetched "
        "when you press the button.",
        "选择 Project Gutenberg 的一本书，或输入其他书的编号；点击按钮后才下载。",
    ),
    "sample_name_harbour": ("Harbour almanac", "海港年鉴（英文）"),
    "sample_name_willow": ("Willow Bridge (Chinese)", "柳桥镇年记"),
    "sample_name_dirty": ("A bad scan", "扫描坏了的年鉴"),
    "cleaning_rules": ("Cleaning rules", "清理规则"),
    "use_text": ("Use this text", "使用这份文本"),
    "sample_is_ready": (
        "This sample is ready to use: go on to the tokenizer, or bring your own text.",
        "这份示例可以直接使用：去训练分词器，或换成你自己的文本。",
    ),
    "no_book": (
        "Choose a book, or type its number, for instance 4280.",
        "请选择一本书，或输入它的编号（如 4280）。",
    ),
    "choose_files": (
        "Choose 1 to {most} files first.",
        "请先选择 1 到 {most} 个文件。",
    ),
    "read_size": ("read", "读入"),
    "words_kept": ("words", "词数"),
    "paragraphs_kept": ("paragraphs", "段落"),
    "duplicates_out": ("duplicates left out", "去掉的重复段落"),
    "broken_bytes": ("unreadable bytes", "无法识别的字节"),
    "broken_bytes_hint": (
        "Bytes that no encoding explains",
        "任何编码都无法解释的字节",
    ),
    "rules_title": ("What was changed", "做了哪些改动"),
    "rules_nothing": (
        "Nothing had to be mended in this text.",
        "这份文本不需要修补。",
    ),
    "rules_rule": ("rule", "规则"),
    "rules_places": ("places", "处数"),
    "rules_fewer": ("characters removed", "删去的字符"),
    "rules_example": ("for instance", "例子"),
    "rules_removed": ("(removed)", "（已删除）"),
    "preview": ("How the cleaned text begins", "清理后文本的开头"),
    "paragraph_lengths": ("Paragraph lengths", "段落长度"),
    "words_each": ("words a paragraph", "每段词数"),
    "frequent_words": ("Frequent words", "高频词"),
    "notebook_title": ("The 2020 notebook's way", "2020 年 notebook 教程的做法"),
    "notebook_ask": ("What would it have lost?", "它会丢掉多少？"),
    "notebook_lost": (
        "“{text}”, one line an example, cut at 128 tokens: of {examples} examples, {lost} of all "
        "tokens would be thrown away, and {padding} of each batch would be padding.",
        "“{text}”按一行一个样本、截到 128 个词元：共 {examples} 个样本，会丢掉 {lost} 的词元，"
        "每批有 {padding} 只是填充。",
    ),
    "pasted_text": ("Pasted text", "粘贴的文本"),
}
