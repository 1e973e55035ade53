"""Sentences about files, text and cleaning: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    "file_empty": (
        "{name} is empty: choose a file that holds text.",
        "{name} 是空文件：请选择一个有文字的文件。",
    ),
    "corpus_too_small": (
        "Only {words:,} words ({characters:,} characters) of text are left after cleaning, and "
        "at least {least_words:,} words and {least_characters:,} characters are needed: add "
        "more text.",
        "清理后只剩 {words:,} 个词（{characters:,} 个字符），至少需要 {least_words:,} 个词和 "
        "{least_characters:,} 个字符：请添加更多文字。",
    ),
    "rule_unknown": (
        "There is no cleaning rule called {name}: choose from {names}.",
        "没有名为 {name} 的清理规则：请从 {names} 中选择。",
    ),
    "rule_line_ends": ("Line ends made alike", "统一换行符"),
    "rule_gutenberg": (
        "Project Gutenberg headers and footers removed",
        "去除 Project Gutenberg 的页眉和页脚",
    ),
    "rule_markup": ("Markdown and HTML marks removed", "去除 Markdown 和 HTML 标记"),
    "rule_control_characters": (
        "Control and invisible characters removed",
        "去除控制字符和不可见字符",
    ),
    "rule_unicode_nfc": ("Accented letters written one way (NFC)", "统一带变音符号的字母（NFC）"),
    "rule_page_marks": ("Page marks and page numbers removed", "去除分页标记和页码"),
    "rule_running_heads": ("Running heads removed", "去除书眉"),
    "rule_hyphenation": ("Words divided at line ends rejoined", "合并行末断开的单词"),
    "rule_unwrap": ("Wrapped lines joined into paragraphs", "将硬换行的各行合并成段落"),
    "rule_whitespace": ("White space tidied", "整理空白字符"),
    "rule_exact_duplicates": ("Repeated paragraphs removed", "去除重复段落"),
    "rule_near_duplicates": ("Nearly repeated paragraphs removed", "去除近似重复的段落"),
    # -- files (readers) --
    "no_files": (
        "No file was given: name at least one of these kinds: {suffixes}.",
        "没有给出文件：请至少指定一个以下类型的文件：{suffixes}。",
    ),
    "file_missing": (
        "{name} does not exist: check the path and the spelling.",
        "{name} 不存在：请检查路径和拼写。",
    ),
    "file_is_folder": (
        "{name} is a folder: name the files in it.",
        "{name} 是一个文件夹：请指定其中的文件。",
    ),
    "file_not_regular": (
        "{name} is a pipe or a device: save its content in a file first.",
        "{name} 是管道或设备：请先把内容保存为文件。",
    ),
    "file_unreadable": (
        "{name} cannot be opened ({reason}): check its permissions, or copy it elsewhere.",
        "无法打开 {name}（{reason}）：请检查文件权限，或将它复制到别处。",
    ),
    "file_too_large": (
        "{name} is larger than {most}: split it and take a part.",
        "{name} 超过 {most}：请拆分后只取一部分。",
    ),
    "file_unsupported": (
        "{name} is of a kind that cannot be read: save it as one of {suffixes}.",
        "无法读取 {name} 这种类型的文件：请另存为以下类型之一：{suffixes}。",
    ),
    "file_not_text": (
        "{name} is a {kind} file whatever its name says: choose a file that holds text, "
        "or give it its proper suffix.",
        "{name} 的名称与内容不符，实际是 {kind} 文件：请选择有文字的文件，或改用正确的扩展名。",
    ),
    "file_binary": (
        "{name} holds no text but binary data: choose a file that holds text.",
        "{name} 的内容不是文字，而是二进制数据：请选择一个有文字的文件。",
    ),
    "file_broken": (
        "{name} is not a whole {kind} file: download or export it again.",
        "{name} 不是完整的 {kind} 文件：请重新下载或导出。",
    ),
    "text_too_large": (
        "{name} brings the text to more than {most}: take fewer files, or a part of this one.",
        "读到 {name} 时文字总量超过 {most}：请减少文件，或只取其中一部分。",
    ),
    # -- tables and JSON (columns) --
    "table_without_text": (
        "{name} has no column of text: choose a file with sentences in it.",
        "{name} 中没有文本列：请选择一个包含句子的文件。",
    ),
    "too_many_columns": (
        "{name} has {columns:,} columns, and {most:,} are the most that are read: keep the one "
        "with the text.",
        "{name} 有 {columns:,} 列，最多读取 {most:,} 列：请只保留含有文字的那一列。",
    ),
    "column_unknown": (
        "{name} has no text column {column}: choose one of {columns}.",
        "{name} 中没有名为 {column} 的文本列：请从以下列中选择：{columns}。",
    ),
    "column_empty": (
        "The column {column} of {name} holds no text: choose another column.",
        "{name} 的 {column} 列没有文字：请选择其他列。",
    ),
    "json_broken": (
        "{name} is not valid JSON (line {line}, column {place}): mend it there or export it again.",
        "{name} 不是有效的 JSON（第 {line} 行第 {place} 列）：请修正该处或重新导出。",
    ),
    "json_deep": (
        "{name} is nested too deeply: save its texts as a plain list.",
        "{name} 嵌套层数过多：请把其中的文本另存为一个简单的列表。",
    ),
    "jsonl_broken": (
        "Line {line} of {name} is not valid JSON: mend or remove it; a file that is one single "
        "object or list needs the suffix .json.",
        "{name} 的第 {line} 行不是有效的 JSON：请修正或删除该行；如果整个文件是一个对象或列表，"
        "请使用扩展名 .json。",
    ),
    # -- PDF --
    "pdf_locked": (
        "{name} is protected by a password: save a copy without one and choose that.",
        "{name} 有密码保护：请另存一份没有密码的副本，再选择该副本。",
    ),
    "pdf_without_text": (
        "{name} holds pictures of pages but no text: run text recognition (OCR) on it first.",
        "{name} 只有页面图像，没有文字层：请先进行文字识别（OCR）。",
    ),
    "pdf_too_much": (
        "{name} takes more time or memory to read than a PDF should: split it, or save its text "
        "as .txt.",
        "读取 {name} 所需的时间或内存超出 PDF 的正常范围：请拆分，或将其文字另存为 .txt。",
    ),
    "pdf_too_long": (
        "{name} has more than {most} pages: split it and take a part.",
        "{name} 超过 {most} 页：请拆分后只取一部分。",
    ),
    # -- archives --
    "archive_locked": (
        "{name} is protected by a password: unpack it and choose the files in it.",
        "{name} 有密码保护：请先解压，再选择其中的文件。",
    ),
    "archive_nested": (
        "{name} is an archive within an archive: unpack it and choose the files in it.",
        "{name} 是压缩包中的压缩包：请先解压，再选择其中的文件。",
    ),
    "archive_crowded": (
        "{name} holds more than {most} files: join them into fewer, or take a part.",
        "{name} 包含超过 {most} 个文件：请合并成较少的文件，或只取一部分。",
    ),
    "archive_without_text": (
        "{name} holds no file that can be read: put files of these kinds into it: {suffixes}.",
        "{name} 中没有可以读取的文件：请放入以下类型的文件：{suffixes}。",
    ),
    "archive_bomb": (
        "{name} grows beyond measure when unpacked, as a zip bomb does: choose another file, "
        "or unpack it yourself if you trust it.",
        "{name} 解压后异常膨胀，像是压缩炸弹：请选择其他文件；如果确信安全，请自行解压后再选择。",
    ),
    # -- books from Project Gutenberg --
    "book_unknown": (
        "{name} is no known book: give a Project Gutenberg number, or one of {names}.",
        "没有名为 {name} 的书：请给出 Project Gutenberg 的编号，或以下名称之一：{names}。",
    ),
    "book_missing": (
        "Project Gutenberg has no plain text of number {number}: check it at gutenberg.org.",
        "Project Gutenberg 没有编号 {number} 的纯文本：请在 gutenberg.org 上核对编号。",
    ),
    "book_offline": (
        "Book {number} could not be fetched, {host} is out of reach: connect to the network, "
        "or use a text of your own or the sample text.",
        "无法获取编号 {number} 的书，连接不到 {host}：请连接网络，或使用你自己的文本或示例文本。",
    ),
    "mirror_address": (
        "{address} is no mirror's address: KANTAI_MIRROR begins with https:// or http://.",
        "{address} 不是镜像地址：KANTAI_MIRROR 应以 https:// 或 http:// 开头。",
    ),
    "book_refused": (
        "{host} refused to send book {number} (status {status}): try again later.",
        "{host} 拒绝发送编号 {number} 的书（状态码 {status}）：请稍后再试。",
    ),
    "book_cut_off": (
        "The connection broke off while fetching book {number}: try again, it goes on from "
        "where it stopped.",
        "获取编号 {number} 的书时连接中断：请重试，下载会从中断处继续。",
    ),
    "book_damaged": (
        "What {host} sent for number {number} is not a whole Project Gutenberg text: "
        "try again later, or choose another book.",
        "{host} 为编号 {number} 发来的内容不是完整的 Project Gutenberg 文本：请稍后再试，"
        "或选择另一本书。",
    ),
    "book_too_large": (
        "Book {number} is larger than {most}: choose another one.",
        "编号 {number} 的书超过 {most}：请选择另一本书。",
    ),
    "text_cannot_be_split": (
        "The text needs at least two sentences that differ, one to learn from and one to be "
        "examined on: add more text.",
        "文本至少要有两个不同的句子，一个用来学习，一个用来检验：请添加更多文本。",
    ),
}
